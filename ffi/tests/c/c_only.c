/* How many handles there are that are not linked: a number that comes back to what it was, so that a leak is seen before the
 * heap is freed. It follows each handle from its making to its freeing, whoever does it. */
#include "check.h"

#define MANY 1000

static world w;
static hf_pyobject *shared[MANY];

static uint64_t c_only(void) { return stats_of(&w).c_only; }

/* Makes half of them, frees the other half, which another thread has made; native, then detached. */
static void *elsewhere(void *arg) {
    hf_mutator *me;
    int i;
    (void)arg;
    OK(hf_attach(w.heap, &me));
    for (i = 0; i < MANY / 4; i++)
        hf_decref(shared[i]);
    for (i = 0; i < MANY / 4; i++)
        shared[i] = hf_pyobject_new(me, 24 + (size_t)i * 100, NULL);
    hf_native_enter(me);
    for (; i < MANY / 2; i++) {
        hf_decref(shared[i]);
        shared[i] = NULL;
    }
    hf_native_leave(me);
    OK(hf_detach(me));
    for (; i < MANY; i++)
        hf_decref_detached(w.heap, shared[i]);
    return NULL;
}

/* Makes a handle and links it. */
static hf_pyobject *link_one(hf_type type, uint32_t flags, bool c_owned) {
    hf_pyobject *ob = new_ob(&w);
    hf_object *p = new_node(&w, type, 1);
    uint64_t before = c_only();
    OK((c_owned ? hf_link_c_owned : hf_link_gc_owned)(w.me, p, ob, flags));
    CHECK(c_only() == before - 1);
    CHECK(hf_link_gc_owned(w.me, p, ob, flags) == HF_ERR_ALREADY_LINKED);
    CHECK(hf_link_gc_owned(w.me, new_node(&w, type, 2), ob, flags) == HF_ERR_ALREADY_LINKED);
    CHECK(c_only() == before - 1);
    return ob;
}

int main(void) {
    static hf_pyobject mine = {1, 0, NULL};
    pthread_t thread;
    hf_pyobject *ob;
    int i;
    open_world(&w, 0);
    CHECK(c_only() == 0);

    /* Made and freed by this thread, small and large. */
    ob = new_ob(&w);
    CHECK(c_only() == 1);
    shared[0] = hf_pyobject_new(w.me, 1000000, NULL);
    CHECK(c_only() == 2);
    hf_incref(ob);
    hf_decref(ob);
    CHECK(c_only() == 2);
    hf_decref(ob);
    hf_decref(shared[0]);
    CHECK(c_only() == 0);
    CHECK(hf_pyobject_new(w.me, 8, NULL) == NULL); /* too small */
    CHECK(c_only() == 0);

    /* Memory of the program's own. */
    OK(hf_pyobject_adopt(w.me, &mine, sizeof mine));
    CHECK(hf_pyobject_adopt(w.me, &mine, sizeof mine) != HF_OK);
    CHECK(c_only() == 1);
    hf_pyobject_disown(w.me, &mine);
#if !defined(CHECKED_BUILD) /* which stops here */
    hf_pyobject_disown(w.me, &mine);
#endif
    CHECK(c_only() == 0);

    /* Pairs that are made as such are not among them, wherever their object is, and light ones never will be. */
    for (i = 0; i < 8; i++) {
        size_t scope = hf_scope_open(w.me);
        hf_object **p = hf_root(w.me, new_node(&w, i & 1 ? w.node : w.slotless, i));
        if (i & 2)
            OK(hf_publish(w.me, *p));
        if (i & 4)
            minor(&w);
        ob = hf_handle(w.me, *p, 64, NULL, HF_LINK_LIGHT);
        CHECK(hf_handle(w.me, *p, 64, NULL, HF_LINK_LIGHT) == ob);
        CHECK(c_only() == 0);
        CHECK(stats_of(&w).links == 1);
        hf_decref(ob);
        hf_decref(ob);
        hf_scope_close(w.me, scope);
        full(&w);
        CHECK(c_only() == 0);
        CHECK(stats_of(&w).links == 0);
    }

    /* What was linked later, and what is told of its death: until it is freed. */
    for (i = 0; i < 8; i++) {
        uint32_t flags = i & 1 ? HF_LINK_LIGHT : 0;
        ob = link_one(i & 2 ? w.node : w.slotless, flags, (i & 4) != 0);
        CHECK(c_only() == 0);
        if (i & 4)
            minor(&w);
        hf_decref(ob);
        full(&w);
        CHECK(stats_of(&w).links == 0);
        CHECK(c_only() == (flags == 0 ? 1 : 0));
        expect_dead(&w, ob, flags);
        CHECK(c_only() == 0);
    }

    /* Threads, native code, no thread of the heap's. */
    for (i = 0; i < MANY; i++)
        shared[i] = new_ob(&w);
    CHECK(c_only() == MANY);
    hf_native_enter(w.me);
    CHECK(pthread_create(&thread, NULL, elsewhere, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    hf_native_leave(w.me);
    hf_safepoint(w.me);
    CHECK(c_only() == MANY / 4);
    for (i = 0; i < MANY / 4; i++)
        hf_decref(shared[i]);
    CHECK(c_only() == 0);
    close_world(&w);
    puts("ok");
    return 0;
}
