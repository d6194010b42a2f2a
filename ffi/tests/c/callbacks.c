/* Callbacks call back: dealloc that releases others, a notifier that allocates and drains, finalizers that resurrect and
 * collect. None of them can detach the mutator under its caller. */
#include "check.h"

#if defined(CHECKED_BUILD) /* which takes its time for each */
enum { CHAIN = 20000 };
#else
enum { CHAIN = 1000000 };
#endif

static world w;
static int finalized, notified, chain_deallocs;
static hf_global *saved;

typedef struct chain {
    hf_pyobject base;
    hf_pyobject *next; /* a counted reference */
} chain;

/* Releases the next one. However long the chain, the stack stays shallow. */
static void dealloc_chain(hf_pyobject *ob, void *arg) {
    hf_pyobject *next = ((chain *)ob)->next;
    chain_deallocs++;
    if (next == NULL) { /* who called this uses the thread's attachment when it returns */
        CHECK(hf_detach(((world *)arg)->me) == HF_ERR_INVALID_ARGUMENT);
        CHECK(strcmp(hf_last_error(), "hf_detach: called from a dealloc") == 0);
    }
    hf_pyobject_free(ob);
    hf_decref(next);
}

static hf_pyobject *crowd, *members[CHAIN];

/* One releases all the others. */
static void dealloc_crowd(hf_pyobject *ob, void *arg) {
    int i;
    (void)arg;
    chain_deallocs++;
    if (ob == crowd)
        for (i = 0; i < CHAIN; i++)
            hf_decref(members[i]);
    hf_pyobject_free(ob);
}

static void notify(void *arg) {
    world *world_of = (world *)arg;
    hf_pyobject *ob;
    notified++;
    CHECK(hf_detach(world_of->me) == HF_ERR_INVALID_ARGUMENT);
    while ((ob = hf_next_dead(world_of->heap)) != NULL) {
        CHECK(hf_alloc(world_of->me, world_of->node) != NULL);
        CHECK(hf_pyobject_adopt(world_of->me, NULL, 24) == HF_ERR_INVALID_ARGUMENT);
        hf_decref(ob);
    }
}

static void finalize(hf_mutator *me, hf_object *p) {
    finalized++;
    CHECK(me == w.me);
    CHECK(number(p) == 61);
    CHECK(hf_detach(me) == HF_ERR_INVALID_ARGUMENT);
    hf_global_set(me, saved, p); /* lives again */
    OK(hf_collect_minor(me));
    CHECK(hf_alloc(me, w.node) != NULL);
}

/* References found by a function instead of offsets. */
static void trace(hf_object *p, void (*visit)(hf_object **, void *), void *arg) {
    node *n = (node *)hf_payload(p);
    visit(&n->left, arg);
    visit(&n->right, arg);
}

int main(void) {
    hf_type_info info;
    hf_type finalizable, traced;
    hf_pyobject *head = NULL;
    hf_object **root;
    size_t scope;
    int i;
    open_world(&w, 0);

    /* Dealloc. */
    hf_set_dealloc(w.heap, dealloc_chain, &w);
    for (i = 0; i < CHAIN; i++) {
        chain *c = (chain *)hf_pyobject_new(w.me, sizeof(chain), NULL);
        CHECK(c != NULL);
        c->next = head;
        head = &c->base;
    }
    hf_decref(head);
    CHECK(chain_deallocs == CHAIN);
    hf_set_dealloc(w.heap, dealloc_crowd, &w);
    for (i = 0; i < CHAIN; i++)
        CHECK((members[i] = hf_pyobject_new(w.me, sizeof(hf_pyobject), NULL)) != NULL);
    crowd = hf_pyobject_new(w.me, sizeof(chain), NULL);
    hf_decref(crowd);
    CHECK(chain_deallocs == 2 * CHAIN + 1);
    chain_deallocs = CHAIN;
    hf_set_dealloc(w.heap, dealloc_chain, &w);

    /* The dead notifier: once for a collection, and not again for what it has drained. */
    hf_set_dead_notifier(w.heap, notify, &w);
    for (i = 0; i < 10; i++) {
        hf_pyobject *ob = hf_handle(w.me, new_node(&w, w.node, i), sizeof(chain), NULL, 0);
        CHECK(ob != NULL);
        hf_decref(ob);
    }
    full(&w);
    CHECK(notified >= 1 && notified <= 2); /* a full collection begins with a minor */
    CHECK(chain_deallocs == CHAIN + 10);
    i = notified;
    full(&w);
    CHECK(notified == i);

    /* A finalizer runs once, and what it saves lives. */
    hf_type_info_init(&info);
    info.name = "finalizable";
    info.size = sizeof(node);
    info.finalize = finalize;
    OK(hf_type_new(w.heap, &info, &finalizable));
    OK(hf_global_new(w.me, NULL, &saved));
    set_number(hf_alloc(w.me, finalizable), 61);
    full(&w);
    full(&w);
    CHECK(finalized == 1);
    CHECK(number(hf_global_get(w.me, saved)) == 61);
    hf_global_set(w.me, saved, NULL);
    full(&w);
    full(&w);
    CHECK(finalized == 1);

    /* A trace function. */
    hf_type_info_init(&info);
    info.name = "traced";
    info.size = sizeof(node);
    info.trace = trace;
    OK(hf_type_new(w.heap, &info, &traced));
    scope = hf_scope_open(w.me);
    root = hf_root(w.me, NULL);
    for (i = 1; i <= 1000; i++) {
        hf_object *p = new_node(&w, traced, i);
        hf_store(w.me, p, i & 1 ? LEFT : RIGHT, *root);
        *root = p;
    }
    minor(&w);
    full(&w);
    {
        hf_object *p = *root;
        for (i = 1000; i >= 1; i--) {
            CHECK(number(p) == i);
            p = hf_load(w.me, p, i & 1 ? LEFT : RIGHT);
        }
        CHECK(p == NULL);
    }
    hf_scope_close(w.me, scope);
    hf_global_free(w.me, saved);
    close_world(&w);
    puts("ok");
    return 0;
}
