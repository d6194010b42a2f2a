/* Freeing a heap: what only it kept is released, and what that released in turn; what C still holds is reported. */
#include "check.h"

typedef struct owner {
    hf_pyobject base;
    hf_pyobject *owned; /* a counted reference, or NULL */
} owner;

static int deallocs;

static void release(hf_pyobject *ob, void *arg) {
    hf_pyobject *owned = ((owner *)ob)->owned;
    (void)arg;
    deallocs++;
    hf_pyobject_free(ob);
    hf_decref(owned);
}

static owner *pair_of(world *w, uint32_t flags) {
    owner *ob = (owner *)hf_handle(w->me, new_node(w, w->node, 1), sizeof(owner), NULL, flags);
    CHECK(ob != NULL);
    return ob;
}

static owner *alone(world *w) {
    owner *ob = (owner *)hf_pyobject_new(w->me, sizeof(owner), NULL);
    CHECK(ob != NULL);
    return ob;
}

/* The same with types, of which C holds nothing, one object, and many. */
static void by_type(void) {
    static char types[3];
    world w;
    hf_leak_report report;
    hf_pyobject *ob;
    int i;
    open_world(&w, 0);
    hf_decref(hf_pyobject_new(w.me, 24, &types[0]));
    CHECK(hf_pyobject_new(w.me, 100000, &types[1]) != NULL);
    for (i = 0; i < 1000; i++) {
        if (i % 2 == 0)
            ob = hf_handle(w.me, new_node(&w, w.node, i), 64, &types[2], 0);
        else
            ob = hf_pyobject_new(w.me, 64, &types[2]);
        CHECK(ob != NULL);
        hf_incref(ob);
        hf_incref(ob);
    }
    OK(hf_detach(w.me));
    memset(&report, 0xff, sizeof report);
    report.struct_size = sizeof report;
    OK(hf_heap_free(w.heap, &report));
    CHECK(report.struct_size == sizeof report);
    CHECK(report.objects == 1001);
    CHECK(report.references == 3001);
    CHECK(report.by_type_len == 2);
    CHECK(report.by_type[0].ob_type == &types[1]);
    CHECK(report.by_type[0].objects == 1);
    CHECK(report.by_type[0].references == 1);
    CHECK(report.by_type[1].ob_type == &types[2]);
    CHECK(report.by_type[1].objects == 1000);
    CHECK(report.by_type[1].references == 3000);
    hf_leak_report_free(&report);
    CHECK(report.by_type == NULL);
    CHECK(report.by_type_len == 0);
    CHECK(report.objects == 1001);
    hf_leak_report_free(&report);
    hf_leak_report_free(NULL);
}

/* A report of no plausible size is a first version's, for both who writes and who frees it; no heap holds nothing. */
static void sizes(void) {
    const size_t implausible[] = {0, 1, 23, 4097, SIZE_MAX};
    hf_leak_report report;
    hf_heap *heap;
    size_t i;
    for (i = 0; i < sizeof implausible / sizeof *implausible; i++) {
        OK(hf_heap_new(NULL, &heap));
        memset(&report, 0x5a, sizeof report);
        report.struct_size = implausible[i];
        OK(hf_heap_free(heap, &report));
        CHECK(report.objects == 0 && report.references == 0);
        hf_leak_report_free(&report);
    }
    memset(&report, 0x5a, sizeof report);
    report.struct_size = sizeof report;
    OK(hf_heap_free(NULL, &report));
    CHECK(report.objects == 0 && report.by_type == NULL && report.by_type_len == 0 && report.immortal_objects == 0);
    hf_leak_report_free(&report);
}

int main(void) {
    world w;
    hf_leak_report report;
    owner *held, *pair, *dying, *light;
    open_world(&w, 0);
    hf_set_dealloc(w.heap, release, NULL);
    hf_set_dead_notifier(w.heap, NULL, NULL);

    held = alone(&w); /* C only: 2 references */
    hf_incref(&held->base);
    pair = pair_of(&w, 0); /* linked: 3 references */
    hf_incref(&pair->base);
    hf_incref(&pair->base);
    dying = pair_of(&w, 0); /* nobody holds it; it holds another */
    dying->owned = &alone(&w)->base;
    hf_decref(&dying->base);
    light = pair_of(&w, HF_LINK_LIGHT); /* nobody holds it, and nobody is told */
    hf_decref(&light->base);

    CHECK(hf_heap_free(w.heap, &report) == HF_ERR_STILL_ATTACHED); /* and nothing has happened */
    CHECK(deallocs == 0);
    CHECK(hf_refcnt(&pair->base) == 3);
    OK(hf_detach(w.me));
    memset(&report, 0, sizeof report); /* a struct_size of 0 will do here: the numbers, and nothing to free */
    OK(hf_heap_free(w.heap, &report));
    CHECK(deallocs == 2);
    CHECK(report.objects == 2);
    CHECK(report.references == 5);
    CHECK(report.by_type == NULL);
    hf_leak_report_free(&report);
    by_type();
    sizes();
    puts("ok");
    return 0;
}
