/* What C programs do most, through the inline functions of handfast.h: for the runner (churn) and for the counts of
 * instructions (the rest). Each runs its loop n times. */
#include "handfast.h"

#define KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")

/* W2. The type has 24 bytes; false: memory is out. */
bool bench_churn(hf_mutator *me, hf_type type, uint64_t n) {
    hf_object **root = hf_root(me, NULL);
    for (uint64_t i = 0; i < n; i++) {
        hf_object *object = hf_alloc(me, type);
        if (object == NULL)
            return false;
        *(uint64_t *)hf_payload(object) = i;
        *(hf_object *volatile *)root = object;
    }
    return true;
}

/* The same with the layout at hand, and the payload's size: as C that a compiler of a runtime makes. */
typedef struct bench_node {
    uint64_t value;
    hf_object *left, *right;
} bench_node;

bool bench_churn_sized(hf_mutator *me, const hf_layout *layout, uint64_t n) {
    hf_object **root = hf_root(me, NULL);
    for (uint64_t i = 0; i < n; i++) {
        hf_object *object = hf_alloc_sized(me, layout, sizeof(bench_node));
        if (object == NULL)
            return false;
        ((bench_node *)hf_payload(object))->value = i;
        *(hf_object *volatile *)root = object;
    }
    return true;
}

void bench_alloc_sized(hf_mutator *me, const hf_layout *layout, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        KEEP(hf_alloc_sized(me, layout, sizeof(bench_node)));
}

void bench_alloc(hf_mutator *me, hf_type type, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        KEEP(hf_alloc(me, type));
}

void bench_store(hf_mutator *me, hf_object *source, hf_object *value, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        hf_store(me, source, 8, value);
}

void bench_store_new(hf_mutator *me, hf_object *source, hf_type type, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        hf_store(me, source, 8, hf_alloc(me, type));
}

void bench_counts(hf_pyobject *ob, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        hf_incref(ob);
        KEEP(ob);
        hf_decref(ob);
    }
}

void bench_from_obj(hf_mutator *me, hf_object *object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        KEEP(hf_from_obj(me, object));
}

void bench_handle(hf_mutator *me, hf_object *object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        hf_pyobject *ob = hf_handle(me, object, 48, NULL, HF_LINK_LIGHT);
        KEEP(ob);
        hf_decref(ob);
    }
}

/* An argument of a call: made, seen by C, dropped. */
void bench_pair(hf_mutator *me, hf_type type, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        hf_pyobject *ob = hf_handle(me, hf_alloc(me, type), 48, NULL, HF_LINK_LIGHT);
        KEEP(ob);
        hf_decref(ob);
    }
}

void bench_c_only(hf_mutator *me, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        hf_pyobject *ob = hf_pyobject_new(me, 48, NULL);
        KEEP(ob);
        hf_decref(ob);
    }
}

void bench_to_obj(hf_mutator *me, hf_pyobject *ob, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        KEEP(hf_to_obj(me, ob));
}
