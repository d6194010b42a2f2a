/* A thread that ends without hf_detach, running or native, is detached: it holds nobody up, and what it left behind that C
 * holds lives on, also as an object that was private to it. */
#include "check.h"

enum { THREADS = 6 };

static world w;
static hf_pyobject *left[THREADS];

static void *work(void *argument) {
    size_t self = *(const size_t *)argument;
    hf_mutator *me;
    hf_object *p;
    OK(hf_attach(w.heap, &me));
    /* Half of them with the types whose handles are in a table, which has thread-locals of its own. */
    p = hf_alloc(me, self % 2 == 0 ? w.node : w.slotless);
    CHECK(p != NULL);
    set_number(p, (intptr_t)self);
    left[self] = hf_handle(me, p, 64, NULL, 0);
    CHECK(left[self] != NULL);
    (void)hf_root(me, hf_alloc(me, w.node));
    if (self % 3 == 1)
        hf_native_enter(me);
    if (self % 3 == 2)
        pthread_exit(NULL);
    return NULL;
}

int main(void) {
    static size_t numbers[THREADS];
    uint32_t gc_threads;
    for (gc_threads = 0; gc_threads < 2; gc_threads++) {
        size_t i;
        open_world(&w, gc_threads);
        for (i = 0; i < THREADS; i++) {
            pthread_t thread;
            numbers[i] = i;
            CHECK(pthread_create(&thread, NULL, work, &numbers[i]) == 0);
            hf_native_enter(w.me);
            CHECK(pthread_join(thread, NULL) == 0);
            hf_native_leave(w.me);
        }
        CHECK(stats_of(&w).attached_mutators == 1);
        full(&w);
        for (i = 0; i < THREADS; i++) {
            CHECK(number(hf_to_obj(w.me, left[i])) == (intptr_t)i);
            hf_decref(left[i]);
        }
        full(&w);
        for (i = 0; i < THREADS; i++)
            hf_decref(hf_next_dead(w.heap));
        CHECK(hf_next_dead(w.heap) == NULL);
        CHECK(w.deallocs == THREADS);
        close_world(&w);
    }
    puts("ok");
    return 0;
}
