/* Callbacks from C that collect: qsort over an array of references calls a comparator of the runtime, which crosses,
 * allocates, and collects. What C holds by counts stays; what the runtime looked at before a collection it looks up anew. */
#include "check.h"

#define ITEMS 400

static world w;
static int comparisons;

/* A key of an item: an object that is made for each comparison, as a runtime's `key=` function would. */
static hf_object *key_of(hf_pyobject *ob) {
    hf_object *item = hf_to_obj(w.me, ob), *key;
    intptr_t n;
    CHECK(item != NULL);
    n = number(item);
    key = new_node(&w, w.node, 0); /* may collect: `item` is stale */
    hf_store(w.me, key, LEFT, hf_to_obj(w.me, ob));
    set_number(key, (n * 7919) % 1009);
    return key;
}

static int compare(const void *left, const void *right) {
    hf_pyobject *a = *(hf_pyobject *const *)left, *b = *(hf_pyobject *const *)right;
    size_t scope = hf_scope_open(w.me);
    hf_object **x = hf_root(w.me, key_of(a)), **y = hf_root(w.me, key_of(b));
    intptr_t kx, ky;
    comparisons++;
    if (comparisons % 3 == 0)
        OK(hf_collect_minor(w.me));
    if (comparisons % 100 == 0)
        OK(hf_collect_full(w.me));
    /* The keys have moved, and know their items. */
    CHECK(hf_load(w.me, *x, LEFT) == hf_to_obj(w.me, a));
    CHECK(hf_load(w.me, *y, LEFT) == hf_to_obj(w.me, b));
    /* A call argument for C, dropped at once. */
    hf_decref(hf_handle(w.me, *x, 32, NULL, HF_LINK_LIGHT));
    kx = number(*x);
    ky = number(*y);
    hf_scope_close(w.me, scope);
    return kx < ky ? -1 : kx > ky;
}

/* A notifier that crosses, links, and drains: it runs at a safepoint of whoever comes first, also inside qsort. */
static void drain(void *arg) {
    hf_pyobject *ob;
    (void)arg;
    w.notices++;
    while ((ob = hf_next_dead(w.heap)) != NULL) {
        hf_pyobject *other = hf_handle(w.me, new_node(&w, w.node, 5), 40, NULL, HF_LINK_LIGHT);
        CHECK(number(hf_to_obj(w.me, other)) == 5);
        hf_decref(other);
        hf_decref(ob);
    }
}

int main(void) {
    hf_pyobject *items[ITEMS];
    intptr_t i;
    open_world(&w, 0);
    hf_set_dead_notifier(w.heap, drain, NULL);
    for (i = 0; i < ITEMS; i++) {
        items[i] = hf_handle(w.me, new_node(&w, i % 2 == 0 ? w.node : w.slotless, i), 48, NULL, 0);
        CHECK(items[i] != NULL);
        /* Garbage that is linked, for the notifier. */
        hf_decref(hf_handle(w.me, new_node(&w, w.node, -1), 48, NULL, 0));
    }
    qsort(items, ITEMS, sizeof items[0], compare);
    CHECK(comparisons > ITEMS);
    for (i = 0; i < ITEMS; i++) {
        CHECK(hf_refcnt(items[i]) == 1);
        if (i > 0) {
            intptr_t before = number(hf_to_obj(w.me, items[i - 1])), here = number(hf_to_obj(w.me, items[i]));
            CHECK(before * 7919 % 1009 <= here * 7919 % 1009);
        }
    }
    CHECK(w.notices > 0);
    CHECK(w.deallocs == ITEMS); /* the garbage */
    for (i = 0; i < ITEMS; i++)
        hf_decref(items[i]);
    full(&w);
    CHECK(w.deallocs == 2 * ITEMS);
    close_world(&w);
    puts("ok");
    return 0;
}
