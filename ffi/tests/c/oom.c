/* Out of memory: NULL after a full collection, a heap that is whole, and room again once something is dropped. */
#include "check.h"

int main(void) {
    hf_config config;
    hf_type_info info;
    hf_heap *heap;
    hf_mutator *me;
    hf_type blob;
    hf_object **table;
    size_t scope, kept = 0, again = 0, i;
    enum { SLOTS = 4096, BLOB = 64 * 1024 };
    hf_type array;

    hf_config_init(&config);
    config.gc_threads = 0;
    config.max_heap_bytes = 32 << 20;
    OK(hf_heap_new(&config, &heap));
    OK(hf_attach(heap, &me));
    hf_type_info_init(&info);
    info.name = "blob";
    info.item_size = 1;
    OK(hf_type_new(heap, &info, &blob));
    hf_type_info_init(&info);
    info.name = "array";
    info.item_size = sizeof(void *);
    info.items_are_refs = true;
    OK(hf_type_new(heap, &info, &array));
    scope = hf_scope_open(me);
    table = hf_root(me, hf_alloc_items(me, array, SLOTS));
    CHECK(*table != NULL);

    /* Live data up to the limit. */
    for (kept = 0; kept < SLOTS; kept++) {
        hf_object *p = hf_alloc_items(me, blob, BLOB);
        if (p == NULL)
            break;
        *(size_t *)hf_payload(p) = kept;
        hf_store(me, *table, kept * sizeof(void *), p);
    }
    CHECK(kept < SLOTS);
    CHECK(kept * BLOB > (8 << 20));
    CHECK(strstr(hf_last_error(), "memory") != NULL);
    OK(hf_heap_verify(heap));
    for (i = 0; i < kept; i++)
        CHECK(*(size_t *)hf_payload(hf_load(me, *table, i * sizeof(void *))) == i);

    /* One object that can never fit. */
    CHECK(hf_alloc_items(me, blob, (size_t)1 << 30) == NULL);

    /* Dropped data makes room without being asked to. */
    for (i = 0; i < kept; i++)
        hf_store(me, *table, i * sizeof(void *), NULL);
    for (again = 0; again < kept * 4; again++)
        CHECK(hf_alloc_items(me, blob, BLOB) != NULL);
    hf_scope_close(me, scope);
    OK(hf_detach(me));
    OK(hf_heap_free(heap, NULL));
    puts("ok");
    return 0;
}
