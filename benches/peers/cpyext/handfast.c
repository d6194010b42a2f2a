/* The workloads of pairs.c, and crossings, on handfast as C sees it: inlined where the header inlines. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "handfast.h"

enum { MANY = 20000000, MILLION = 1000000, ROUNDS = 5 };

typedef struct thing {
    hf_object *a, *b;
    void *slot; /* the handle slot */
    long n;
} thing;

typedef struct c_thing { /* what C sees: as large as that of pairs.c */
    hf_pyobject base;
    long a, b;
} c_thing;

static hf_heap *heap;
static hf_mutator *me;
static const hf_layout *layout;
static hf_type type, list_type;
static hf_object **kept, **list;

#define USE(value) __asm__ volatile("" : : "r"(value) : "memory")

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(int ok) {
    if (!ok) {
        fprintf(stderr, "%s\n", hf_last_error());
        exit(1);
    }
}

/* Found again by another function, so that no loop knows them. */
static __attribute__((noinline)) hf_object *empty(hf_object *p) {
    USE(p);
    return p;
}

static void calls(long n) {
    while (n-- > 0)
        USE(empty(*kept));
}

static void pairs(long n) {
    while (n-- > 0) {
        hf_pyobject *ob = hf_handle(me, hf_alloc_layout(me, layout), sizeof(c_thing), NULL, HF_LINK_LIGHT);
        USE(ob);
        hf_decref(ob);
    }
}

static void objects(long n) {
    while (n-- > 0) {
        hf_pyobject *ob = hf_pyobject_new(me, sizeof(c_thing), NULL);
        USE(ob);
        hf_decref(ob);
    }
}

static void counts(long n) {
    hf_pyobject *ob = hf_from_obj(me, *kept);
    while (n-- > 0) {
        hf_incref(ob);
        USE(ob);
        hf_decref(ob);
        USE(ob);
    }
}

static void found(long n) {
    while (n-- > 0)
        USE(hf_from_obj(me, *kept));
}

static void crossed(long n) {
    hf_pyobject *ob = hf_from_obj(me, *kept);
    while (n-- > 0) {
        USE(ob);
        USE(hf_to_obj(me, ob));
    }
}

static void got(long n) {
    while (n-- > 0)
        hf_decref(hf_handle(me, *kept, sizeof(c_thing), NULL, HF_LINK_LIGHT));
}

static void each(long n) {
    long i;
    for (i = 0; i < n; i++)
        hf_decref(hf_handle(me, hf_load(me, *list, (size_t)i * sizeof(hf_object *)), sizeof(c_thing), NULL, HF_LINK_LIGHT));
}

static void row(const char *text, void (*work)(long), long n, int rounds) {
    double best = 0;
    int i;
    for (i = 0; i < rounds; i++) {
        double start = cpu(), ns;
        work(n);
        ns = (cpu() - start) / (double)n;
        best = i == 0 || ns < best ? ns : best;
    }
    printf("handfast %-52s %9.2f ns\n", text, best);
}

int main(void) {
    static const size_t refs[] = {offsetof(thing, a), offsetof(thing, b)};
    hf_type_info info;
    long i;
    hf_type_info_init(&info);
    info.name = "thing";
    info.size = sizeof(thing);
    info.ref_offsets = refs;
    info.ref_offsets_len = 2;
    info.handle_slot = offsetof(thing, slot);
    check(hf_heap_new(NULL, &heap) == HF_OK && hf_attach(heap, &me) == HF_OK && hf_type_new(heap, &info, &type) == HF_OK);
    hf_type_info_init(&info);
    info.name = "list";
    info.item_size = sizeof(hf_object *);
    info.items_are_refs = true;
    check(hf_type_new(heap, &info, &list_type) == HF_OK);
    layout = hf_type_layout(heap, type);
    kept = hf_root(me, hf_alloc(me, type));
    list = hf_root(me, hf_alloc_items(me, list_type, MILLION));
    for (i = 0; i < MILLION; i++) {
        hf_object *p = hf_alloc(me, type);
        hf_store(me, *list, (size_t)i * sizeof(hf_object *), p);
    }
    hf_decref(hf_handle(me, *kept, sizeof(c_thing), NULL, HF_LINK_LIGHT));
    check(hf_collect_minor(me) == HF_OK);
    row("empty call", calls, MANY, ROUNDS);
    row("handle found (hf_from_obj)", found, MANY, ROUNDS);
    row("crossed back (hf_to_obj)", crossed, MANY, ROUNDS);
    row("object made, linked, passed, dropped", pairs, MANY, ROUNDS);
    row("C object made and dropped", objects, MANY, ROUNDS);
    row("handle got and dropped", got, MANY, ROUNDS);
    row("incref and decref", counts, MANY, ROUNDS);
    row("item of a list of a million, first time", each, MILLION, 1);
    row("item of a list of a million, again", each, MILLION, ROUNDS);
    check(hf_detach(me) == HF_OK && hf_heap_free(heap, NULL) == HF_OK);
    return 0;
}
