/* NULL, zero, huge and foreign arguments, everywhere: a status, NULL, or nothing at all; and the heap is as it was. Every
 * call is made both inline and through the exported function. */
#include "check.h"

#define HUGE_SIZE (SIZE_MAX - 4)

static world w;

/* Addresses between two words: nothing of the library's is there. */
#define BETWEEN(pointer) ((void *)((char *)(pointer) + 1))

static void misaligned(void) {
    hf_mutator *mutator;
    hf_object *p = new_node(&w, w.node, 1);
    hf_pyobject *ob = new_ob(&w);
    hf_global *global;
    hf_weak *weak;
    OK(hf_global_new(w.me, p, &global));
    OK(hf_weak_new(w.me, p, &weak));
    CHECK(hf_attach((hf_heap *)BETWEEN(w.heap), &mutator) == HF_ERR_INVALID_ARGUMENT);
    CHECK(strcmp(hf_last_error(), "hf_attach: heap is not the address of an hf_heap") == 0);
    CHECK(hf_heap_free((hf_heap *)BETWEEN(w.heap), NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_global_get(w.me, (hf_global *)BETWEEN(global)) == NULL);
    CHECK(strcmp(hf_last_error(), "hf_global_get: global is not the address of an hf_global") == 0);
    hf_global_set(w.me, (hf_global *)BETWEEN(global), NULL);
    hf_global_free(w.me, (hf_global *)BETWEEN(global));
    CHECK(hf_global_get(w.me, global) == p);
    CHECK(hf_weak_get(w.me, (hf_weak *)BETWEEN(weak)) == NULL);
    CHECK(strcmp(hf_last_error(), "hf_weak_get: weak is not the address of an hf_weak") == 0);
    hf_weak_free(w.me, (hf_weak *)BETWEEN(weak));
    CHECK(hf_weak_get(w.me, weak) == p);
    CHECK(hf_refcnt((hf_pyobject *)BETWEEN(ob)) == 0);
    CHECK(strcmp(hf_last_error(), "hf_refcnt: ob is not the address of an hf_pyobject") == 0);
    hf_global_free(w.me, global);
    hf_weak_free(w.me, weak);
    hf_decref(ob);
}

/* Each function with NULL in each place. */
static void nulls(void) {
    hf_heap *heap = w.heap;
    hf_mutator *me = w.me, *out_mutator;
    hf_object *p = new_node(&w, w.node, 1);
    hf_pyobject *ob = new_ob(&w);
    hf_global *global;
    hf_weak *weak;
    hf_type type;
    hf_type_info info;
    hf_stats stats;

    hf_config_init(NULL);
    (hf_config_init)(NULL);
    hf_type_info_init(NULL);
    (hf_type_info_init)(NULL);
    hf_type_info_init(&info);
    info.size = 8;
    stats.struct_size = sizeof stats;
    CHECK(hf_heap_new(NULL, NULL) == HF_ERR_INVALID_ARGUMENT);
    OK(hf_heap_free(NULL, NULL));
    CHECK(hf_type_new(NULL, &info, &type) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_type_new(heap, NULL, &type) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_type_new(heap, &info, NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_stats_get(NULL, &stats) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_stats_get(heap, NULL) == HF_ERR_INVALID_ARGUMENT);
    hf_external_memory(NULL, 5);
    CHECK(hf_heap_verify(NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_current(NULL) == NULL);
    CHECK(hf_attach(NULL, &out_mutator) == HF_ERR_INVALID_ARGUMENT);
    CHECK(out_mutator == NULL);
    CHECK(hf_attach(heap, NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_detach(NULL) == HF_ERR_INVALID_ARGUMENT);
    hf_safepoint(NULL);
    hf_native_enter(NULL);
    hf_native_leave(NULL);
    CHECK(hf_alloc(NULL, w.node) == NULL);
    CHECK((hf_alloc)(NULL, w.node) == NULL);
    CHECK(hf_alloc_items(NULL, w.array, 1) == NULL);
    CHECK(hf_type_layout(NULL, w.node) == NULL);
    CHECK(hf_type_layout(heap, HF_NO_TYPE) == NULL);
    CHECK(hf_alloc_layout(NULL, hf_type_layout(heap, w.node)) == NULL);
    CHECK(hf_alloc_layout(me, NULL) == NULL);
    CHECK((hf_alloc_layout)(me, NULL) == NULL);
    CHECK(hf_alloc_sized(NULL, hf_type_layout(heap, w.node), 24) == NULL);
    CHECK(hf_alloc_sized(me, NULL, 24) == NULL);
    CHECK((hf_alloc_sized)(me, NULL, 24) == NULL);
    CHECK(hf_payload(NULL) == NULL);
    CHECK((hf_payload)(NULL) == NULL);
    CHECK(hf_items(NULL) == 0);
    CHECK(hf_type_of(NULL) == HF_NO_TYPE);
    CHECK(hf_load(NULL, p, LEFT) == NULL);
    CHECK(hf_load(me, NULL, LEFT) == NULL);
    CHECK((hf_load)(NULL, p, LEFT) == NULL);
    CHECK((hf_load)(me, NULL, LEFT) == NULL);
    hf_store(NULL, p, LEFT, p);
    hf_store(me, NULL, LEFT, p);
    (hf_store)(NULL, p, LEFT, p);
    (hf_store)(me, NULL, LEFT, p);
    CHECK(hf_load(me, p, LEFT) == NULL);
    CHECK(hf_identity(NULL, p) == 0);
    CHECK(hf_identity(me, NULL) == 0);
    CHECK(hf_collect_minor(NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_collect_full(NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_publish(NULL, p) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_publish(me, NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(!hf_is_public(NULL, p));
    CHECK(!hf_is_public(me, NULL));
    CHECK(!hf_is_young(NULL, p));
    CHECK(!hf_is_young(me, NULL));
    CHECK(hf_pin(NULL, p) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_pin(me, NULL) == HF_ERR_INVALID_ARGUMENT);
    hf_unpin(NULL, p);
    hf_unpin(me, NULL);
    CHECK(hf_heap_walk(NULL, NULL, NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_heap_walk(me, NULL, NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_scope_open(NULL) == HF_NO_SCOPE);
    hf_scope_close(NULL, 0);
    CHECK(hf_root(NULL, p) == NULL);
    CHECK(hf_global_new(NULL, p, &global) == HF_ERR_INVALID_ARGUMENT);
    CHECK(global == NULL);
    CHECK(hf_global_new(me, p, NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_global_get(me, NULL) == NULL);
    CHECK(hf_global_get(NULL, NULL) == NULL);
    hf_global_set(me, NULL, p);
    hf_global_set(NULL, NULL, p);
    hf_global_free(me, NULL);
    hf_global_free(NULL, NULL);
    CHECK(hf_weak_new(NULL, p, &weak) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_weak_new(me, NULL, &weak) == HF_ERR_INVALID_ARGUMENT);
    CHECK(weak == NULL);
    CHECK(hf_weak_new(me, p, NULL) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_weak_get(me, NULL) == NULL);
    CHECK(hf_weak_get(NULL, NULL) == NULL);
    hf_weak_free(me, NULL);
    hf_weak_free(NULL, NULL);
    CHECK(hf_pyobject_new(NULL, 64, NULL) == NULL);
    CHECK(hf_pyobject_adopt(NULL, ob, 64) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_pyobject_adopt(me, NULL, 64) == HF_ERR_INVALID_ARGUMENT);
    hf_pyobject_disown(NULL, ob);
    hf_pyobject_disown(me, NULL);
    CHECK(hf_link_gc_owned(NULL, p, ob, 0) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_link_gc_owned(me, NULL, ob, 0) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_link_gc_owned(me, p, NULL, 0) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_link_c_owned(NULL, p, ob, 0) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_link_c_owned(me, NULL, ob, 0) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_link_c_owned(me, p, NULL, 0) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_handle(NULL, p, 64, NULL, 0) == NULL);
    CHECK(hf_handle(me, NULL, 64, NULL, 0) == NULL);
    CHECK(hf_from_obj(NULL, p) == NULL);
    CHECK(hf_from_obj(me, NULL) == NULL);
    CHECK(hf_to_obj(NULL, ob) == NULL);
    CHECK(hf_to_obj(me, NULL) == NULL);
    hf_incref(NULL);
    (hf_incref)(NULL);
    hf_decref(NULL);
    (hf_decref)(NULL);
    hf_decref_zero(NULL);
    hf_store_barrier(NULL, NULL, 0, NULL);
    CHECK(hf_refcnt(NULL) == 0);
    CHECK(!hf_is_unique(NULL));
    hf_set_immortal(NULL);
    hf_set_dealloc(NULL, NULL, NULL);
    hf_set_dead_notifier(NULL, NULL, NULL);
    CHECK(hf_next_dead(NULL) == NULL);
    hf_pyobject_free(NULL);
    CHECK(strncmp(hf_last_error(), "hf_", 3) == 0);

    CHECK(hf_refcnt(ob) == 1);
    hf_decref(ob);
}

/* Zero, huge, unaligned, unknown. */
static void extremes(void) {
    hf_mutator *me = w.me;
    size_t scope = hf_scope_open(me);
    hf_object **p = hf_root(me, new_node(&w, w.node, 5));
    hf_object **items = hf_root(me, hf_alloc_items(me, w.array, 4));
    hf_object **bytes = hf_root(me, hf_alloc_items(me, w.bytes, 5));
    hf_object **none = hf_root(me, hf_alloc_items(me, w.array, 0));
    static const size_t offsets[] = {4, 1, sizeof(node), sizeof(node) + 8, 4096, HUGE_SIZE, SIZE_MAX, SIZE_MAX - 7, SIZE_MAX / 2 + 1};
    hf_pyobject *ob, *handle;
    size_t i, zero_scope;

    CHECK(*p && *items && *bytes && *none);
    CHECK(hf_items(*none) == 0);
    for (i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        size_t offset = offsets[i];
        CHECK(hf_load(me, *p, offset) == NULL);
        CHECK((hf_load)(me, *p, offset) == NULL);
        hf_store(me, *p, offset, *p);
        (hf_store)(me, *p, offset, *p);
    }
    CHECK(hf_load(me, *items, 24) == NULL);
    hf_store(me, *items, 24, *p);
    CHECK(hf_load(me, *items, 24) == *p);
    CHECK((hf_load)(me, *items, 24) == *p);
    hf_store(me, *items, 32, *p);
    (hf_store)(me, *items, 32, *p);
    CHECK(hf_load(me, *items, 32) == NULL);
    CHECK((hf_load)(me, *items, 32) == NULL);
    hf_store(me, *none, 0, *p);
    CHECK(hf_load(me, *none, 0) == NULL);
    CHECK((hf_load)(me, *none, 0) == NULL);
    CHECK(hf_load(me, *bytes, 0) == NULL); /* five bytes are no reference */
    CHECK((hf_load)(me, *bytes, 0) == NULL);

    CHECK(hf_alloc(me, HF_NO_TYPE) == NULL);
    CHECK(hf_alloc(me, 12345678) == NULL);
    CHECK((hf_alloc)(me, 12345678) == NULL);
    CHECK(hf_alloc_items(me, 12345678, 3) == NULL);
    CHECK(hf_alloc_items(me, w.node, 3) == NULL); /* has no items */
    CHECK(hf_alloc_items(me, w.node, 0) != NULL);
    CHECK(hf_alloc(me, w.array) != NULL);
    CHECK(hf_alloc_items(me, w.array, HUGE_SIZE) == NULL);
    CHECK(hf_alloc_items(me, w.array, SIZE_MAX / 8 + 1) == NULL);
    CHECK(hf_alloc_items(me, w.bytes, SIZE_MAX) == NULL);
    CHECK(hf_alloc_items(me, w.bytes, (size_t)1 << 40) == NULL);

    CHECK(hf_pyobject_new(me, 0, NULL) == NULL);
    CHECK(hf_pyobject_new(me, 23, NULL) == NULL);
    CHECK(hf_pyobject_new(me, SIZE_MAX, NULL) == NULL);
    CHECK(hf_pyobject_new(me, (size_t)1 << 46, NULL) == NULL);
    CHECK(hf_handle(me, *p, 0, NULL, 0) == NULL);
    CHECK(hf_handle(me, *p, 23, NULL, 0) == NULL);
    CHECK(hf_handle(me, *p, SIZE_MAX, NULL, 0) == NULL);
    CHECK(hf_handle(me, *p, 64, NULL, 0x80) == NULL);
    CHECK(hf_from_obj(me, *p) == NULL);
    ob = new_ob(&w);
    CHECK(hf_link_gc_owned(me, *p, ob, 0x80) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_link_c_owned(me, *p, ob, UINT32_MAX) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_pyobject_adopt(me, (hf_pyobject *)(void *)((char *)ob + 4), 64) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_pyobject_adopt(me, ob, 23) == HF_ERR_INVALID_ARGUMENT);
    CHECK(ob->ob_refcnt == 1 && ob->ob_pypy_link == 0);
    hf_decref(ob);
    handle = hf_handle(me, *p, sizeof(hf_pyobject), NULL, HF_LINK_LIGHT);
    CHECK(handle != NULL);
    CHECK(hf_handle(me, *p, 0, NULL, 0) == handle); /* exists: its size is what it was */
    hf_decref(handle);
    hf_decref(handle);

#ifndef CHECKED_BUILD /* which stops at this */
    hf_scope_close(me, SIZE_MAX);
    hf_scope_close(me, 123456);
#endif
    CHECK(number(*p) == 5); /* still rooted */
    zero_scope = hf_scope_open(me);
    hf_scope_close(me, zero_scope);
    hf_scope_close(me, scope);
}

/* Configurations and type descriptions that make no sense. */
static void descriptions(void) {
    hf_config config;
    hf_type_info info;
    hf_heap *heap;
    hf_type type, zero;
    hf_stats stats;
    size_t refs[2] = {0, 8};
    static const size_t sizes[] = {0, 1, 8, SIZE_MAX, 5000};
    size_t i;
    char later[sizeof(hf_config) + 16] = {0};

    hf_type_info_init(&info);
    CHECK(info.handle_slot == HF_NO_SLOT);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        hf_config_init(&config);
        config.struct_size = sizes[i];
        CHECK(hf_heap_new(&config, &heap) == HF_ERR_INVALID_ARGUMENT);
        CHECK(heap == NULL);
        hf_type_info_init(&info);
        info.size = 8;
        info.struct_size = sizes[i];
        CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_ARGUMENT);
        memset(&stats, 0xab, sizeof stats);
        stats.struct_size = sizes[i];
        CHECK(hf_stats_get(w.heap, &stats) == HF_ERR_INVALID_ARGUMENT);
    }
    hf_config_init(&config);
    config.nursery_bytes = 0;
    CHECK(hf_heap_new(&config, &heap) == HF_ERR_INVALID_CONFIG);
    hf_config_init(&config);
    config.nursery_bytes = SIZE_MAX;
    CHECK(hf_heap_new(&config, &heap) == HF_ERR_INVALID_CONFIG);
    hf_config_init(&config);
    config.max_heap_bytes = 1;
    CHECK(hf_heap_new(&config, &heap) == HF_ERR_INVALID_CONFIG);
    CHECK(heap == NULL);

    /* A program of a later version: fine as long as it does not use what we do not know. */
    hf_config_init((hf_config *)(void *)later);
    *(size_t *)(void *)later = sizeof later;
    OK(hf_heap_new((hf_config *)(void *)later, &heap));
    OK(hf_heap_free(heap, NULL));
    later[sizeof later - 1] = 1;
    CHECK(hf_heap_new((hf_config *)(void *)later, &heap) == HF_ERR_INVALID_ARGUMENT);

    hf_type_info_init(&info);
    info.size = SIZE_MAX;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    info.size = 16;
    info.item_size = SIZE_MAX;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    info.item_size = 4;
    info.items_are_refs = true;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    info.items_are_refs = false;
    info.item_size = 0;
    info.ref_offsets_len = 2;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_ARGUMENT); /* offsets are NULL */
    info.ref_offsets = refs;
    OK(hf_type_new(w.heap, &info, &type));
    info.ref_offsets_len = SIZE_MAX;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    info.ref_offsets_len = 2;
    refs[1] = 16;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    refs[1] = 4;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    refs[1] = 0;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    info.ref_offsets_len = 1;
    info.handle_slot = 0; /* meant: after hf_type_info_init it is taken at its word */
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    info.handle_slot = 16;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    info.handle_slot = 12;
    CHECK(hf_type_new(w.heap, &info, &type) == HF_ERR_INVALID_TYPE);
    info.handle_slot = 8;
    OK(hf_type_new(w.heap, &info, &type));

    /* An object without a payload is an object. */
    hf_type_info_init(&info);
    OK(hf_type_new(w.heap, &info, &zero));
    CHECK(hf_alloc(w.me, zero) != NULL);
    CHECK(hf_type_of(hf_alloc(w.me, zero)) == zero);
}

/* A description that was only zeroed has no handle slot, and linking does not touch the data at offset 0. */
static void zeroed_description(void) {
    hf_type_info info;
    hf_type type;
    hf_object *p;
    hf_pyobject *ob;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    info.size = 16;
    OK(hf_type_new(w.heap, &info, &type));
    p = hf_alloc(w.me, type);
    CHECK(p != NULL);
    *(long *)hf_payload(p) = 77;
    ob = hf_handle(w.me, p, 64, NULL, HF_LINK_LIGHT);
    CHECK(ob != NULL);
    minor(&w);
    full(&w);
    CHECK(*(long *)hf_payload(hf_to_obj(w.me, ob)) == 77);
    hf_decref(ob);
}

#ifndef CHECKED_BUILD
/* Another thread's mutator, a detached one, native state. */
static hf_status other_thread[3];

static void *foreign(void *mutator) {
    hf_mutator *own;
    other_thread[0] = hf_collect_minor((hf_mutator *)mutator);
    other_thread[1] = hf_detach((hf_mutator *)mutator);
    CHECK((hf_alloc)((hf_mutator *)mutator, w.node) == NULL);
    CHECK(hf_root((hf_mutator *)mutator, NULL) == NULL);
    CHECK(hf_current(w.heap) == NULL);
    OK(hf_attach(w.heap, &own));
    OK(hf_detach(own));
    other_thread[2] = hf_detach(own);
    hf_safepoint(own);
    CHECK(hf_scope_open(own) == HF_NO_SCOPE);
    return NULL;
}

static void threads(void) {
    pthread_t thread;
    hf_native_enter(w.me);
    CHECK(pthread_create(&thread, NULL, foreign, w.me) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK((hf_alloc)(w.me, w.node) == NULL); /* in native state */
    hf_native_enter(w.me);
    hf_native_leave(w.me);
    hf_native_leave(w.me);
    CHECK(hf_alloc(w.me, w.node) != NULL);
    CHECK(other_thread[0] == HF_ERR_WRONG_THREAD);
    CHECK(other_thread[1] == HF_ERR_WRONG_THREAD);
    CHECK(other_thread[2] == HF_ERR_WRONG_THREAD);
}

#endif

static void attached_already(void) {
    hf_mutator *again;
    CHECK(hf_attach(w.heap, &again) == HF_ERR_ALREADY_ATTACHED);
    CHECK(again == NULL);
    CHECK(hf_heap_free(w.heap, NULL) == HF_ERR_STILL_ATTACHED);
}

int main(void) {
    open_world(&w, 0);
    nulls();
    misaligned();
    extremes();
    descriptions();
    zeroed_description();
    attached_already();
#ifndef CHECKED_BUILD
    threads();
#endif
    full(&w);
    CHECK(hf_next_dead(w.heap) == NULL);
    close_world(&w);
    puts("ok");
    return 0;
}
