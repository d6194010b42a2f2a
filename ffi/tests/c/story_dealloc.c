/* A C type that owns something dear (a file, a lock): its dealloc runs inside the very decref that drops the last
 * reference, on that thread, in order, however deep the ownership goes and whatever collects meanwhile. */
#include "check.h"

#define DEEP 1000000
#define THREADS 3
#define TURNS 20000

typedef struct file {
    hf_pyobject base;
    int *open;    /* how many are open, of the thread that uses this one */
    hf_pyobject *owned; /* a counted reference, or NULL */
    intptr_t number;
} file;

static intptr_t last_closed;

static void close_file(hf_pyobject *ob, void *arg) {
    file *f = (file *)ob;
    hf_pyobject *owned = f->owned;
    (void)arg;
    --*f->open;
    if (f->number != 0)
        last_closed = f->number;
    hf_pyobject_free(ob);
    hf_decref(owned);
}

static file *open_file(hf_mutator *me, int *open, file *owned) {
    file *f = (file *)hf_pyobject_new(me, sizeof(file), NULL);
    CHECK(f != NULL);
    f->open = open;
    f->owned = owned == NULL ? NULL : &owned->base;
    ++*open;
    return f;
}

static void *turns(void *arg) {
    world *w = (world *)arg;
    hf_mutator *me;
    int open = 0, i;
    OK(hf_attach(w->heap, &me));
    for (i = 0; i < TURNS; i++) {
        file *f = open_file(me, &open, open_file(me, &open, NULL));
        hf_incref(&f->base);
        hf_decref(&f->base);
        CHECK(open == 2);
        if (i % 3 == 0)
            hf_native_enter(me); /* counting needs no running mutator, and so closing does not */
        hf_decref(&f->base);
        CHECK(open == 0);
        if (i % 3 == 0)
            hf_native_leave(me);
        hf_safepoint(me);
    }
    OK(hf_detach(me));
    return NULL;
}

int main(void) {
    world w;
    pthread_t threads[THREADS];
    file *f;
    int open = 0, i;
    open_world(&w, 0);
    hf_set_dealloc(w.heap, close_file, NULL);

    /* In order: the second is closed before the third is opened. */
    for (i = 1; i <= 100; i++) {
        f = open_file(w.me, &open, NULL);
        f->number = i;
        CHECK(last_closed == i - 1);
        hf_decref(&f->base);
        CHECK(last_closed == i);
        CHECK(open == 0);
    }

    /* A chain: the outermost decref returns when all of it is closed, and needs no stack for that. */
    for (i = 0, f = NULL; i < DEEP; i++)
        f = open_file(w.me, &open, f);
    CHECK(open == DEEP);
    hf_decref(&f->base);
    CHECK(open == 0);

    /* A pair that dies hands its C side back; what that owns goes at the decref of the one who takes it. */
    f = (file *)hf_handle(w.me, new_node(&w, w.node, 1), sizeof(file), NULL, 0);
    CHECK(f != NULL);
    f->open = &open;
    open++;
    f->owned = &open_file(w.me, &open, NULL)->base;
    hf_decref(&f->base);
    full(&w);
    CHECK(open == 2);
    CHECK(hf_next_dead(w.heap) == &f->base);
    CHECK(open == 2);
    hf_decref(&f->base);
    CHECK(open == 0);

    /* Threads that open and close while this one collects. */
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, turns, &w) == 0);
    for (i = 0; i < 5; i++)
        full(&w);
    hf_native_enter(w.me);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    hf_native_leave(w.me);
    close_world(&w);
    puts("ok");
    return 0;
}
