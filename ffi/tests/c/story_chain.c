/* A chain from the GC side through C and back: object a, linked with a C struct, whose field holds a counted reference to
 * another, linked with object b, which refers to c. b is also reachable from the GC side directly. Whatever order the
 * holders let go in, each link of the chain lives exactly as long as what leads to it. */
#include "check.h"

typedef struct holder {
    hf_pyobject base;
    hf_pyobject *held; /* a counted reference, or NULL */
} holder;

static void dealloc(hf_pyobject *ob, void *arg) {
    hf_pyobject *held = ((holder *)ob)->held;
    ((world *)arg)->deallocs++;
    hf_pyobject_free(ob);
    hf_decref(held);
}

static int drain(world *w) {
    hf_pyobject *ob;
    int n = 0;
    for (; (ob = hf_next_dead(w->heap)) != NULL; n++)
        hf_decref(ob);
    return n;
}

/* a <-> C holds -> b -> c; answers the weak reference of c, and b. `a` is rooted in `slot`. */
static hf_weak *new_chain(world *w, hf_type type, hf_object **slot, hf_object **b) {
    holder *first, *second;
    hf_weak *weak;
    hf_object *c = new_node(w, type, 3);
    OK(hf_weak_new(w->me, c, &weak));
    *slot = c;
    *b = new_node(w, type, 2);
    hf_store(w->me, *b, LEFT, *slot);
    *slot = NULL;
    second = (holder *)hf_handle(w->me, *b, sizeof(holder), NULL, 0);
    CHECK(second != NULL);
    *slot = new_node(w, type, 1);
    first = (holder *)hf_handle(w->me, *slot, sizeof(holder), NULL, 0);
    CHECK(first != NULL);
    first->held = &second->base; /* the reference moves into the struct */
    hf_decref(&first->base);
    return weak;
}

static hf_object *through_c(world *w, hf_object *a) {
    return hf_to_obj(w->me, ((holder *)hf_from_obj(w->me, a))->held);
}

static void check_chain(world *w, hf_object *a, hf_weak *weak) {
    hf_object *b = through_c(w, a), *c = hf_load(w->me, b, LEFT);
    CHECK(number(b) == 2);
    CHECK(number(c) == 3);
    CHECK(hf_weak_get(w->me, weak) == c);
}

static void story(world *w, hf_type type, int publish) {
    size_t scope = hf_scope_open(w->me);
    hf_object **a = hf_root(w->me, NULL), **b = hf_root(w->me, NULL);
    hf_weak *weak = new_chain(w, type, a, b);
    hf_global *global = NULL;
    int i, before = w->deallocs;
    if (publish)
        OK(hf_global_new(w->me, *a, &global));

    /* Reachable from both sides. */
    for (i = 0; i < 2; i++) {
        minor(w);
        full(w);
        check_chain(w, *a, weak);
        CHECK(through_c(w, *a) == *b);
    }
    /* Through C only. */
    *b = NULL;
    for (i = 0; i < 2; i++) {
        minor(w);
        full(w);
        check_chain(w, *a, weak);
    }
    /* From the GC side only: the chain's first half dies, and with its dealloc the count. */
    *b = through_c(w, *a);
    *a = NULL;
    hf_global_free(w->me, global);
    full(w);
    CHECK(number(*b) == 2);
    CHECK(drain(w) == 1);
    CHECK(w->deallocs == before + 1);
    full(w);
    CHECK(drain(w) == 0);
    CHECK(hf_refcnt(hf_from_obj(w->me, *b)) == 0);
    CHECK(number(hf_weak_get(w->me, weak)) == 3);
    /* From nowhere. */
    *b = NULL;
    full(w);
    CHECK(hf_weak_get(w->me, weak) == NULL);
    CHECK(drain(w) == 1);
    CHECK(w->deallocs == before + 2);
    hf_weak_free(w->me, weak);

    /* Let go of at once: one full collection for each half, for the count is C's until dealloc drops it. */
    weak = new_chain(w, type, a, b);
    full(w);
    *a = *b = NULL;
    full(w);
    CHECK(number(hf_weak_get(w->me, weak)) == 3);
    CHECK(drain(w) == 1);
    full(w);
    CHECK(hf_weak_get(w->me, weak) == NULL);
    CHECK(drain(w) == 1);
    CHECK(w->deallocs == before + 4);
    hf_weak_free(w->me, weak);
    hf_scope_close(w->me, scope);
}

int main(void) {
    world w;
    open_world(&w, 0);
    hf_set_dealloc(w.heap, dealloc, &w);
    story(&w, w.node, 0);
    story(&w, w.slotless, 0);
    story(&w, w.node, 1);
    story(&w, w.slotless, 1);
    close_world(&w);
    puts("ok");
    return 0;
}
