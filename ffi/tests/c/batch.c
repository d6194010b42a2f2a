/* Allocation in a batch: zeroed objects, minor collections in the middle, single calls before and after, errors. */
#include "check.h"

int main(void) {
    world w;
    const hf_layout *layout;
    hf_object **list, *p = NULL, *before;
    uint64_t minors;
    hf_batch batch;
    intptr_t i, rounds;
    size_t scope;
    open_world(&w, 0);
    scope = hf_scope_open(w.me);
    layout = hf_type_layout(w.heap, w.node);
    list = hf_root(w.me, NULL);
    minors = stats_of(&w).minor_collections;
    CHECK(layout != NULL);
    for (rounds = 0; rounds < 3; rounds++) {
        before = hf_alloc_layout(w.me, layout);
        CHECK(before != NULL);
        batch = hf_batch_begin(w.me);
        for (i = 1; i <= 100000; i++) {
            node *n;
            p = hf_batch_alloc(&batch, layout);
            CHECK(p != NULL);
            n = (node *)hf_payload(p);
            CHECK(n->left == NULL && n->right == NULL && n->slot == NULL && n->number == 0);
            n->number = i;
            if (i % 4 == 0) {
                hf_store(w.me, p, LEFT, *list);
                *list = p;
            }
        }
        hf_batch_end(&batch);
        before = hf_alloc_layout(w.me, layout);
        CHECK(before != NULL && before != p && number(p) == 100000);
    }
    CHECK(stats_of(&w).minor_collections > minors);
    full(&w);
    for (rounds = 0, p = *list; rounds < 3; rounds++)
        for (i = 100000; i > 0; i -= 4, p = hf_load(w.me, p, LEFT))
            CHECK(p != NULL && number(p) == i);
    CHECK(p == NULL);

    /* What single calls refuse. */
    batch = hf_batch_begin(NULL);
    CHECK(hf_batch_alloc(&batch, layout) == NULL);
    hf_batch_end(&batch);
    batch = hf_batch_begin(w.me);
    CHECK(hf_batch_alloc(&batch, NULL) == NULL);
    CHECK(hf_batch_alloc(&batch, layout) != NULL);
    hf_batch_end(&batch);
    hf_batch_end(&batch);
    hf_scope_close(w.me, scope);
    close_world(&w);
    puts("ok");
    return 0;
}
