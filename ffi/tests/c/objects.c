/* Objects: zeroed whatever was there before, identities, pins, public and young, the walk. */
#include "check.h"

typedef struct walked {
    hf_type type;
    long objects, items;
} walked;

static void visit(hf_object *p, hf_type type, size_t bytes, size_t items, void *arg) {
    walked *seen = (walked *)arg;
    if (type != seen->type)
        return;
    CHECK(hf_type_of(p) == type);
    CHECK(hf_items(p) == items);
    CHECK(bytes >= 8);
    seen->objects++;
    seen->items += (long)items;
}

static void zeroed(world *w) {
    int round, i;
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 100000; i++) {
            size_t items = (size_t)(i % 50), j;
            hf_object *p = hf_alloc(w->me, w->node), *q;
            node *n = (node *)hf_payload(p);
            CHECK(p != NULL);
            CHECK(n->left == NULL && n->right == NULL && n->slot == NULL && n->number == 0);
            n->number = -1;
            q = hf_alloc_items(w->me, w->bytes, items);
            CHECK(q != NULL && hf_items(q) == items);
            for (j = 0; j < items; j++)
                CHECK(((char *)hf_payload(q))[j] == 0);
            memset(hf_payload(q), 0xff, items);
        }
    }
}

/* The inline allocation: the same objects, over many minor collections. */
static void by_layout(world *w) {
    const hf_layout *layout = hf_type_layout(w->heap, w->node);
    size_t scope = hf_scope_open(w->me);
    hf_object **list = hf_root(w->me, NULL), *p;
    uint64_t minors = stats_of(w).minor_collections;
    intptr_t i;
    CHECK(layout != NULL);
    for (i = 1; i <= 100000; i++) {
        node *n;
        p = hf_alloc_layout(w->me, layout);
        CHECK(p != NULL);
        n = (node *)hf_payload(p);
        CHECK(n->left == NULL && n->right == NULL && n->slot == NULL && n->number == 0);
        CHECK(hf_type_of(p) == w->node);
        n->slot = NULL;
        n->number = i;
        hf_store(w->me, p, LEFT, *list);
        *list = p;
        p = (hf_alloc_layout)(w->me, layout);
        CHECK(p != NULL && number(p) == 0);
    }
    CHECK(stats_of(w).minor_collections > minors);
    for (p = *list, i = 100000; p != NULL; p = hf_load(w->me, p, LEFT), i--)
        CHECK(number(p) == i);
    CHECK(i == 0);
    p = hf_alloc_layout(w->me, hf_type_layout(w->heap, w->array)); /* not inline */
    CHECK(p != NULL && hf_items(p) == 0 && hf_type_of(p) == w->array);
    p = hf_alloc_sized(w->me, hf_type_layout(w->heap, w->array), 0);
    CHECK(p != NULL && hf_items(p) == 0 && hf_type_of(p) == w->array);
    hf_scope_close(w->me, scope);
}

/* By a layout and a size that the compiler knows; a size that is not the type's is refused, inlined or not. */
static void by_size(world *w) {
    const hf_layout *layout = hf_type_layout(w->heap, w->node);
    const hf_layout *empty = hf_type_layout(w->heap, new_type(w->heap, "empty", 0, NULL, 0, HF_NO_SLOT));
    size_t scope = hf_scope_open(w->me);
    hf_object **list = hf_root(w->me, NULL), *p;
    intptr_t i;
    for (i = 1; i <= 100000; i++) {
        p = hf_alloc_sized(w->me, layout, sizeof(node));
        CHECK(p != NULL && hf_type_of(p) == w->node && number(p) == 0);
        set_number(p, i);
        hf_store(w->me, p, LEFT, *list);
        *list = p;
        p = hf_alloc_sized(w->me, empty, 0);
        CHECK(p != NULL && *(uint64_t *)hf_payload(p) == 0);
        *(uint64_t *)hf_payload(p) = ~UINT64_C(0);
        if (i % 5000 == 0)
            OK(hf_collect_minor(w->me));
    }
    for (p = *list, i = 100000; p != NULL; p = hf_load(w->me, p, LEFT), i--)
        CHECK(number(p) == i);
    CHECK(i == 0);
#if !defined(CHECKED_BUILD) /* which stops here: misuse_sized.c */
    CHECK(hf_alloc_sized(w->me, layout, sizeof(node) + 1) == NULL);
    CHECK(strstr(hf_last_error(), "hf_alloc_sized: size is 33") != NULL);
    CHECK(hf_alloc_sized(w->me, layout, sizeof(node) - 8) == NULL);
    CHECK(hf_alloc_sized(w->me, layout, SIZE_MAX) == NULL && hf_alloc_sized(w->me, layout, 0) == NULL);
    CHECK((hf_alloc_sized)(w->me, layout, SIZE_MAX - 6) == NULL && hf_alloc_sized(w->me, empty, 9) == NULL);
#endif
    CHECK(hf_alloc_sized(w->me, layout, sizeof(node) - 7) != NULL); /* sizes are rounded up to words */
    hf_scope_close(w->me, scope);
}

int main(void) {
    world w;
    size_t scope;
    hf_object **p, **q;
    hf_object *at;
    uintptr_t identity;
    walked seen;
    int i;
    open_world(&w, 0);
    zeroed(&w);
    by_layout(&w);
    by_size(&w);

    scope = hf_scope_open(w.me);
    p = hf_root(w.me, new_node(&w, w.node, 71));
    q = hf_root(w.me, new_node(&w, w.node, 72));
    CHECK(hf_is_young(w.me, *p) && !hf_is_public(w.me, *p));
    CHECK(hf_type_of(*p) == w.node);
    CHECK(hf_items(*p) == 0);
    hf_store(w.me, *p, LEFT, *q);
    CHECK(hf_load(w.me, *p, LEFT) == *q);
    identity = hf_identity(w.me, *q);
    CHECK(identity != hf_identity(w.me, *p));

    /* Pinned: it stays where it is, and moves with its identity unchanged otherwise. */
    OK(hf_pin(w.me, *p));
    OK(hf_pin(w.me, *p));
    at = *p;
    hf_unpin(w.me, *p);
    minor(&w);
    CHECK(*p == at);
    hf_unpin(w.me, *p);
    full(&w);
    CHECK(hf_load(w.me, *p, LEFT) == *q);
    CHECK(number(*p) == 71 && number(*q) == 72);
    CHECK(hf_identity(w.me, *q) == identity);
    CHECK(!hf_is_young(w.me, *p));

    /* A public object makes what is stored into it public, with all that it reaches, and nothing moves any more. */
    OK(hf_publish(w.me, *p));
    *q = new_node(&w, w.node, 73);
    at = new_node(&w, w.node, 74); /* may collect: *q is read after it */
    hf_store(w.me, *q, RIGHT, at);
    CHECK(number(hf_load(w.me, *q, RIGHT)) == 74);
    CHECK(!hf_is_public(w.me, *q));
    hf_store(w.me, *p, RIGHT, *q);
    CHECK(hf_is_public(w.me, *q));
    CHECK(hf_is_public(w.me, hf_load(w.me, *q, RIGHT)));
    at = *q;
    minor(&w);
    CHECK(*q == at);
    CHECK(number(hf_load(w.me, hf_load(w.me, *p, RIGHT), RIGHT)) == 74);

    /* The walk finds what lives. */
    *q = hf_alloc_items(w.me, w.array, 100);
    for (i = 0; i < 100; i++) {
        hf_object *b = hf_alloc_items(w.me, w.bytes, 10);
        CHECK(b != NULL);
        hf_store(w.me, *q, (size_t)i * 8, b);
    }
    full(&w);
    memset(&seen, 0, sizeof seen);
    seen.type = w.bytes;
    OK(hf_heap_walk(w.me, visit, &seen));
    CHECK(seen.objects == 100);
    CHECK(seen.items == 1000);

    hf_external_memory(w.heap, 1 << 20);
    CHECK(stats_of(&w).external_bytes == 1 << 20);
    hf_external_memory(w.heap, -(1 << 20));
    CHECK(stats_of(&w).external_bytes == 0);
    hf_scope_close(w.me, scope);
    close_world(&w);
    puts("ok");
    return 0;
}
