/* Callbacks that try everything, while the program runs and while the heap is freed: finalizers that make more
 * finalizable garbage, deallocs that resurrect, link, collect and make more, and nobody who pulls the heap from under
 * its caller. */
#include "check.h"

enum { ENDLESS = 3000, REVIVALS = 5, MORE = 50 };

static world w;
static hf_type finalizable;
static hf_global *saved;
static int finalized, calls;

/* Makes another one each time, and collects. */
static void finalize(hf_mutator *me, hf_object *p) {
    finalized++;
    hf_global_set(me, saved, p);
    (void)hf_collect_full(me);
    CHECK(hf_detach(me) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_heap_free(w.heap, NULL) == HF_ERR_STILL_ATTACHED);
    CHECK(hf_type_of(hf_global_get(me, saved)) == finalizable);
    if (finalized < ENDLESS)
        CHECK(hf_alloc(me, finalizable) != NULL);
#if !defined(CHECKED_BUILD) /* which stops at a scope that is left open: misuse_forgotten_roots.c */
    CHECK(hf_scope_open(me) != HF_NO_SCOPE);
#endif
    CHECK(hf_root(me, hf_global_get(me, saved)) != NULL);
}

static void endless_finalizers(void) {
    hf_type_info info;
    hf_object **root;
    int i;
    hf_type_info_init(&info);
    info.name = "finalizable";
    info.size = 32;
    info.finalize = finalize;
    OK(hf_type_new(w.heap, &info, &finalizable));
    OK(hf_global_new(w.me, NULL, &saved));
    root = hf_root(w.me, new_node(&w, w.node, 9));
    CHECK(hf_alloc(w.me, finalizable) != NULL);
    for (i = 0; i < 20; i++)
        full(&w);
    CHECK(finalized >= 1 && finalized < ENDLESS);
    CHECK(number(*root) == 9);
}

static void revive(hf_pyobject *ob, void *arg) {
    (void)arg;
    if (++calls < REVIVALS)
        hf_incref(ob);
    else
        hf_pyobject_free(ob);
}

static void dealloc_revives(void) {
    hf_pyobject *ob = new_ob(&w);
    int i;
    calls = 0;
    hf_set_dealloc(w.heap, revive, NULL);
    for (i = 1; i <= REVIVALS; i++) {
        hf_decref(ob);
        CHECK(calls == i);
    }
}

static hf_object **linked;

static void link_or_free(hf_pyobject *ob, void *arg) {
    (void)arg;
    if (++calls > 1) {
        hf_pyobject_free(ob);
        return;
    }
    OK(hf_link_c_owned(w.me, new_node(&w, w.slotless, 9), ob, 0));
    *linked = hf_to_obj(w.me, ob);
    CHECK(hf_refcnt(ob) == 0);
}

/* A C-only object that becomes one side of a pair when its last reference goes. */
static void dealloc_links(void) {
    hf_pyobject *ob = new_ob(&w);
    calls = 0;
    linked = hf_root(w.me, NULL);
    hf_set_dealloc(w.heap, link_or_free, NULL);
    hf_decref(ob);
    CHECK(calls == 1);
    minor(&w);
    full(&w);
    CHECK(hf_from_obj(w.me, *linked) == ob);
    CHECK(number(*linked) == 9);
    *linked = NULL;
    full(&w);
    CHECK(hf_next_dead(w.heap) == ob);
    /* The same memory in a second pair. */
    *linked = new_node(&w, w.node, 10);
    OK(hf_link_gc_owned(w.me, *linked, ob, 0));
    hf_decref(ob);
    full(&w);
    CHECK(hf_from_obj(w.me, *linked) == ob);
    *linked = NULL;
    full(&w);
    CHECK(hf_next_dead(w.heap) == ob);
    hf_decref(ob);
    CHECK(calls == 2);
}

static void collect_and_free(hf_pyobject *ob, void *arg) {
    hf_pyobject *pair, *dead;
    (void)arg;
    calls++;
    OK(hf_collect_full(w.me));
    pair = hf_handle(w.me, new_node(&w, w.node, 3), 40, NULL, calls & 1 ? HF_LINK_LIGHT : 0);
    CHECK(pair != NULL);
    hf_decref(pair);
    OK(hf_collect_minor(w.me));
    CHECK(hf_heap_free(w.heap, NULL) == HF_ERR_STILL_ATTACHED);
    hf_pyobject_free(ob);
    dead = hf_next_dead(w.heap);
    if (dead != NULL && calls < MORE)
        hf_decref(dead);
    else
        hf_pyobject_free(dead);
}

static void dealloc_collects(void) {
    int i;
    calls = 0;
    hf_set_dealloc(w.heap, collect_and_free, NULL);
    for (i = 0; i < 10; i++)
        hf_decref(new_ob(&w));
    CHECK(calls >= 10);
}

/* In native state a dealloc can free, and nothing else. */
static void in_native(hf_pyobject *ob, void *arg) {
    (void)arg;
    calls++;
#if !defined(CHECKED_BUILD) /* which stops here: misuse_native_state.c */
    CHECK(hf_alloc(w.me, w.node) == NULL);
    CHECK(hf_pyobject_new(w.me, sizeof *ob, NULL) == NULL);
    CHECK(hf_to_obj(w.me, ob) == NULL);
#endif
    hf_pyobject_free(ob);
}

static void dealloc_in_native_state(void) {
    hf_pyobject *obs[MORE];
    int i;
    calls = 0;
    for (i = 0; i < MORE; i++)
        obs[i] = new_ob(&w);
    hf_set_dealloc(w.heap, in_native, NULL);
    hf_native_enter(w.me);
    for (i = 0; i < MORE; i++)
        hf_decref(obs[i]);
    hf_native_leave(w.me);
    CHECK(calls == MORE);
}

/* While the heap is freed: each one makes another pair for a while. */
static void make_more(hf_pyobject *ob, void *arg) {
    (void)arg;
    if (++calls < MORE) {
        hf_mutator *me = hf_current(w.heap);
        hf_object *p = hf_alloc(me, w.node);
        hf_pyobject *pair;
        CHECK(p != NULL);
        pair = hf_handle(me, p, 40, NULL, 0);
        CHECK(pair != NULL);
        hf_decref(pair);
        CHECK(hf_detach(me) == HF_ERR_INVALID_ARGUMENT);
        CHECK(hf_heap_free(w.heap, NULL) == HF_ERR_STILL_ATTACHED);
    }
    hf_pyobject_free(ob);
}

int main(void) {
    hf_pyobject *pair;
    hf_leak_report report;
    int before;
    open_world(&w, 0);
    hf_set_dead_notifier(w.heap, NULL, NULL);
    endless_finalizers();
    dealloc_revives();
    dealloc_links();
    dealloc_collects();
    dealloc_in_native_state();

    while ((pair = hf_next_dead(w.heap)) != NULL)
        hf_pyobject_free(pair);
    calls = 0;
    hf_set_dealloc(w.heap, make_more, NULL);
    pair = hf_handle(w.me, new_node(&w, w.node, 1), 40, NULL, 0);
    CHECK(pair != NULL);
    hf_decref(pair);
    before = finalized;
    OK(hf_detach(w.me));
    report.struct_size = sizeof report;
    OK(hf_heap_free(w.heap, &report));
    CHECK(calls == MORE);
    CHECK(finalized > before);
    CHECK(report.objects == 0);
    puts("ok");
    return 0;
}
