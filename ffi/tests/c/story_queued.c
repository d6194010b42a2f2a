/* lxml's story: a pair has died and its C side waits in the dead queue, while a C table still knows its address. Whoever
 * finds it there may count it up and down, from any thread, and may take it back into use: one dealloc in the end. */
#include "check.h"

#define MANY 500

static hf_pyobject *table[MANY];
static int deallocs;
static int stop;

static void forget(hf_pyobject *ob, void *arg) {
    size_t i = (size_t)(intptr_t)ob->ob_type;
    (void)arg;
    CHECK(table[i] == ob);
    table[i] = NULL;
    __atomic_fetch_add(&deallocs, 1, __ATOMIC_RELAXED);
    hf_pyobject_free(ob);
}

static void *look_them_up(void *arg) {
    world *w = (world *)arg;
    hf_mutator *me;
    size_t i;
    OK(hf_attach(w->heap, &me));
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        for (i = 0; i < MANY; i++) {
            hf_incref(table[i]);
            CHECK(hf_refcnt(table[i]) >= 1);
            hf_decref(table[i]);
        }
        hf_safepoint(me);
    }
    OK(hf_detach(me));
    return NULL;
}

int main(void) {
    world w;
    pthread_t other;
    size_t i, scope;
    hf_object **p;
    hf_pyobject *ob;
    open_world(&w, 0);
    hf_set_dealloc(w.heap, forget, NULL);
    for (i = 0; i < MANY; i++) {
        table[i] = hf_handle(w.me, new_node(&w, w.node, 1), 64, (void *)(intptr_t)i, 0);
        CHECK(table[i] != NULL);
        hf_decref(table[i]);
    }

    /* They die, and wait, while another thread finds them in the table. */
    CHECK(pthread_create(&other, NULL, look_them_up, &w) == 0);
    /* A count that the other thread holds at that moment keeps a pair for one more round. */
    while (stats_of(&w).dead_queued < MANY)
        full(&w);
    for (i = 0; i < 3; i++)
        full(&w);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    hf_native_enter(w.me);
    pthread_join(other, NULL);
    hf_native_leave(w.me);
    CHECK(deallocs == 0);
    for (i = 0; i < MANY; i++) {
        CHECK(table[i]->ob_refcnt == 1);
        CHECK(table[i]->ob_pypy_link == 0);
        CHECK(hf_to_obj(w.me, table[i]) == NULL);
    }

    /* The first: somebody takes a reference while it is queued, and keeps it. It is C-only from then on. */
    ob = table[0];
    hf_incref(ob);
    /* The second: taken out and given a new object, with which it lives on. */
    scope = hf_scope_open(w.me);
    p = hf_root(w.me, new_node(&w, w.node, 77));
    for (i = 0; i < MANY; i++) {
        hf_pyobject *dead = hf_next_dead(w.heap);
        CHECK(dead != NULL);
        CHECK(dead->ob_pypy_link == 0);
        if (dead == table[1])
            OK(hf_link_c_owned(w.me, *p, dead, 0));
        hf_decref(dead);
    }
    CHECK(hf_next_dead(w.heap) == NULL);
    CHECK(deallocs == MANY - 2);
    CHECK(table[0] == ob);
    CHECK(hf_is_unique(ob));
    hf_decref(ob);
    CHECK(deallocs == MANY - 1);
    full(&w);
    CHECK(hf_from_obj(w.me, *p) == table[1]);
    CHECK(number(hf_to_obj(w.me, table[1])) == 77);
    CHECK(hf_refcnt(table[1]) == 0);

    /* It dies a second time, and is delivered a second time. */
    hf_scope_close(w.me, scope);
    full(&w);
    CHECK(hf_next_dead(w.heap) == table[1]);
    CHECK(hf_next_dead(w.heap) == NULL);
    hf_decref(table[1]);
    CHECK(deallocs == MANY);
    close_world(&w);
    puts("ok");
    return 0;
}
