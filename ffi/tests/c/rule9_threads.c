/* Rule 9: everything from any attached thread, with collections running. A handle that goes to another thread crosses back
 * there; two threads that ask for the handle of one object get one address; a thread's exit loses nothing that others hold. */
#include "check.h"

enum { THREADS = 4, ROUNDS = 200, OBJECTS = 64 };

static world w;
static hf_global *table;                       /* OBJECTS shared nodes */
static hf_pyobject *seen[THREADS][OBJECTS];    /* the handle that each thread got for each */
static hf_pyobject *gift[THREADS];             /* made by a thread that has exited */
static pthread_barrier_t together;

static void wait_for_all(hf_mutator *me) {
    hf_native_enter(me);
    pthread_barrier_wait(&together);
    hf_native_leave(me);
}

/* All threads ask for the handles of the same objects at the same time. */
static void race(hf_mutator *me, size_t self) {
    int round;
    for (round = 0; round < ROUNDS; round++) {
        size_t i;
        if (self == 0) {
            for (i = 0; i < OBJECTS; i++) {
                hf_object *p = hf_alloc(me, i & 1 ? w.node : w.slotless);
                CHECK(p != NULL);
                set_number(p, round * OBJECTS + (intptr_t)i);
                hf_store(me, hf_global_get(me, table), i * sizeof(void *), p);
            }
        }
        wait_for_all(me);
        for (i = 0; i < OBJECTS; i++) {
            hf_object *p = hf_load(me, hf_global_get(me, table), i * sizeof(void *));
            hf_pyobject *ob = hf_handle(me, p, 64, NULL, i & 2 ? HF_LINK_LIGHT : 0);
            CHECK(ob != NULL);
            seen[self][i] = ob;
            if (i % 16 == self)
                OK(hf_collect_minor(me));
        }
        if (self == 1 && round % 50 == 0)
            OK(hf_collect_full(me));
        wait_for_all(me);
        for (i = 0; i < OBJECTS; i++) {
            hf_pyobject *ob = seen[(self + 1) % THREADS][i]; /* what another thread got */
            hf_object *p = hf_to_obj(me, ob);
            CHECK(ob == seen[self][i]);
            CHECK(p != NULL);
            CHECK(number(p) == round * OBJECTS + (intptr_t)i);
            CHECK(hf_load(me, hf_global_get(me, table), i * sizeof(void *)) == p);
        }
        wait_for_all(me); /* nobody drops before everybody has looked */
        for (i = 0; i < OBJECTS; i++)
            hf_decref(seen[self][i]);
        hf_safepoint(me);
        wait_for_all(me);
        if (self == 0)
            for (i = 0; i < OBJECTS; i++)
                CHECK(hf_refcnt(seen[0][i]) == 0);
        wait_for_all(me);
    }
}

static void *work(void *argument) {
    size_t self = *(const size_t *)argument;
    hf_mutator *me;
    hf_object *p;
    OK(hf_attach(w.heap, &me));
    CHECK(hf_current(w.heap) == me);
    race(me, self);
    /* A private object whose only holder, once this thread is gone, is a count. */
    p = hf_alloc(me, w.node);
    CHECK(p != NULL);
    set_number(p, (intptr_t)self);
    gift[self] = hf_handle(me, p, 64, NULL, 0);
    CHECK(gift[self] != NULL);
    OK(hf_detach(me));
    return NULL;
}

int main(void) {
    static size_t numbers[THREADS];
    pthread_t threads[THREADS];
    hf_object *items;
    hf_pyobject *ob;
    size_t i;
    int dead = 0;
    open_world(&w, 1);
    items = hf_alloc_items(w.me, w.array, OBJECTS);
    CHECK(items != NULL);
    OK(hf_global_new(w.me, items, &table));
    CHECK(pthread_barrier_init(&together, NULL, THREADS) == 0);
    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, work, &numbers[i]) == 0);
    }
    hf_native_enter(w.me);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    hf_native_leave(w.me);

    full(&w);
    for (i = 0; i < THREADS; i++) {
        CHECK(number(hf_to_obj(w.me, gift[i])) == (intptr_t)i);
        CHECK(hf_refcnt(gift[i]) == 1);
        hf_decref(gift[i]);
    }
    hf_global_free(w.me, table);
    full(&w);
    while ((ob = hf_next_dead(w.heap)) != NULL) {
        CHECK(ob->ob_refcnt == 1);
        hf_decref(ob);
        dead++;
    }
    CHECK(dead == THREADS + ROUNDS * OBJECTS / 2); /* each pair that was not light, once */
    CHECK(w.deallocs == dead);
    CHECK(stats_of(&w).links == 0);
    close_world(&w);
    puts("ok");
    return 0;
}
