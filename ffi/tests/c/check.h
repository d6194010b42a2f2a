/* What the C tests share: a check that cannot be compiled away, and a heap with types to play with. */
#ifndef CHECK_H
#define CHECK_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handfast.h"

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n  last error: %s\n", __FILE__, __LINE__, #condition, hf_last_error()); \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

#define OK(call) CHECK((call) == HF_OK)

/* The payload of the objects of most tests. */
typedef struct node {
    hf_object *left, *right;
    void *slot; /* handle slot, in types that have one */
    intptr_t number;
} node;

#define LEFT offsetof(node, left)
#define RIGHT offsetof(node, right)

static inline intptr_t number(hf_object *p) { return ((node *)hf_payload(p))->number; }
static inline void set_number(hf_object *p, intptr_t n) { ((node *)hf_payload(p))->number = n; }

/* A heap, this thread attached to it, and its types. */
typedef struct world {
    hf_heap *heap;
    hf_mutator *me;
    hf_type node;     /* with a handle slot */
    hf_type slotless; /* the same without */
    hf_type array;    /* items are references */
    hf_type bytes;    /* items are bytes */
    int notices;      /* calls of the dead notifier */
    int deallocs;     /* calls of dealloc, which frees */
} world;

static void on_dealloc(hf_pyobject *ob, void *arg) {
    CHECK(hf_refcnt(ob) == 0);
    CHECK(ob->ob_pypy_link == 0);
    (void)__atomic_fetch_add(&((world *)arg)->deallocs, 1, __ATOMIC_RELAXED); /* on any thread, like the notices */
    hf_pyobject_free(ob);
}

static void on_dead(void *arg) { (void)__atomic_fetch_add(&((world *)arg)->notices, 1, __ATOMIC_RELAXED); }

static inline hf_type new_type(hf_heap *heap, const char *name, size_t size, const size_t *refs, size_t refs_len, size_t slot) {
    hf_type_info info;
    hf_type type = HF_NO_TYPE;
    hf_type_info_init(&info);
    info.name = name;
    info.size = size;
    info.ref_offsets = refs;
    info.ref_offsets_len = refs_len;
    info.handle_slot = slot;
    OK(hf_type_new(heap, &info, &type));
    CHECK(type != HF_NO_TYPE);
    return type;
}

static inline void open_world(world *w, uint32_t gc_threads) {
    static const size_t refs[] = {LEFT, RIGHT};
    hf_config config;
    hf_type_info info;
    memset(w, 0, sizeof *w);
    hf_config_init(&config);
    CHECK(config.struct_size == sizeof config);
    config.gc_threads = gc_threads;
    OK(hf_heap_new(&config, &w->heap));
    OK(hf_attach(w->heap, &w->me));
    CHECK(hf_current(w->heap) == w->me);
    w->node = new_type(w->heap, "node", sizeof(node), refs, 2, offsetof(node, slot));
    w->slotless = new_type(w->heap, "slotless", sizeof(node), refs, 2, HF_NO_SLOT);
    hf_type_info_init(&info);
    info.name = "array";
    info.item_size = sizeof(void *);
    info.items_are_refs = true;
    OK(hf_type_new(w->heap, &info, &w->array));
    hf_type_info_init(&info);
    info.name = "bytes";
    info.item_size = 1;
    OK(hf_type_new(w->heap, &info, &w->bytes));
    hf_set_dealloc(w->heap, on_dealloc, w);
    hf_set_dead_notifier(w->heap, on_dead, w);
}

/* Nothing may be left that C holds. */
static inline void close_world(world *w) {
    hf_leak_report report;
    memset(&report, 0xff, sizeof report);
    report.struct_size = sizeof report;
    OK(hf_heap_verify(w->heap));
    OK(hf_detach(w->me));
    OK(hf_heap_free(w->heap, &report));
    CHECK(report.objects == 0);
    CHECK(report.references == 0);
    CHECK(report.by_type == NULL);
    CHECK(report.by_type_len == 0);
}

static inline hf_object *new_node(world *w, hf_type type, intptr_t n) {
    hf_object *p = hf_alloc(w->me, type);
    CHECK(p != NULL);
    CHECK(number(p) == 0);
    set_number(p, n);
    return p;
}

static inline hf_pyobject *new_ob(world *w) {
    hf_pyobject *ob = hf_pyobject_new(w->me, sizeof(hf_pyobject) + 40, w);
    CHECK(ob != NULL);
    CHECK(hf_refcnt(ob) == 1);
    CHECK(ob->ob_pypy_link == 0);
    CHECK(ob->ob_type == w);
    return ob;
}

static inline hf_stats stats_of(world *w) {
    hf_stats stats;
    stats.struct_size = sizeof stats;
    OK(hf_stats_get(w->heap, &stats));
    return stats;
}

/* What is queued after a collection is told at the next safepoint at the latest. */
static inline void minor(world *w) {
    OK(hf_collect_minor(w->me));
    hf_safepoint(w->me);
}

static inline void full(world *w) {
    OK(hf_collect_full(w->me));
    hf_safepoint(w->me);
}

/* The pair of which `ob` is one side has died: silently if it was light, else `ob` is delivered, once. */
static inline void expect_dead(world *w, hf_pyobject *ob, uint32_t flags) {
    if (flags & HF_LINK_LIGHT) {
        CHECK(hf_next_dead(w->heap) == NULL);
    } else {
        CHECK(hf_next_dead(w->heap) == ob);
        CHECK(hf_refcnt(ob) == 1);
        CHECK(ob->ob_refcnt == 1);
        CHECK(ob->ob_pypy_link == 0);
        CHECK(hf_to_obj(w->me, ob) == NULL);
        CHECK(hf_next_dead(w->heap) == NULL);
        memset(ob + 1, 0x5a, 40); /* the memory is ours until this: */
        hf_pyobject_free(ob);
    }
}

#endif
