/* A linked list that is longer than a nursery: roots in a loop, the write barrier, and what a collection leaves.
 *
 *   cc -std=c11 -Iffi/include ffi/examples/list.c target/release/libhandfast.a -lpthread -ldl -lm -o list && ./list
 */
#include <stdio.h>
#include <stdlib.h>

#include "handfast.h"

enum { LENGTH = 200000 };

typedef struct node {
    hf_object *next;
    long value;
} node;

#define NEXT offsetof(node, next)

static long value_of(hf_object *p) { return ((node *)hf_payload(p))->value; }

/* Builds LENGTH, …, 2, 1 in front of nothing. Two slots are enough, however long the list is. */
static int build(hf_mutator *me, hf_type type, hf_object **list) {
    long i;
    for (i = 1; i <= LENGTH; i++) {
        hf_object *first = hf_alloc(me, type); /* may collect: *list is up to date, a copy of it would not be */
        if (first == NULL)
            return 0;
        ((node *)hf_payload(first))->value = i;
        hf_store(me, first, NEXT, *list);
        *list = first;
    }
    return 1;
}

/* Reverses it in place: old objects get references to other old and to young ones. */
static void reverse(hf_mutator *me, hf_object **list) {
    hf_object *done = NULL, *rest = *list; /* nothing below collects */
    while (rest != NULL) {
        hf_object *next = hf_load(me, rest, NEXT);
        hf_store(me, rest, NEXT, done);
        done = rest;
        rest = next;
    }
    *list = done;
}

static int check(hf_mutator *me, hf_object *list, long from, long step) {
    long expected = from, count = 0;
    for (; list != NULL; list = hf_load(me, list, NEXT)) {
        if (value_of(list) != expected)
            return 0;
        expected += step;
        count++;
    }
    return count == LENGTH;
}

int main(void) {
    static const size_t references[] = {NEXT};
    hf_heap *heap;
    hf_mutator *me;
    hf_type_info info;
    hf_type type;
    hf_stats stats = {0};
    hf_object **list;
    size_t scope;

    hf_type_info_init(&info);
    info.name = "node";
    info.size = sizeof(node);
    info.ref_offsets = references;
    info.ref_offsets_len = 1;
    if (hf_heap_new(NULL, &heap) != HF_OK || hf_attach(heap, &me) != HF_OK || hf_type_new(heap, &info, &type) != HF_OK) {
        fprintf(stderr, "%s\n", hf_last_error());
        return 1;
    }
    scope = hf_scope_open(me);
    list = hf_root(me, NULL);
    if (!build(me, type, list)) {
        fprintf(stderr, "%s\n", hf_last_error());
        return 1;
    }
    if (!check(me, *list, LENGTH, -1))
        return 1;
    printf("built: %d nodes\n", LENGTH);
    reverse(me, list);
    if (hf_collect_minor(me) != HF_OK || hf_collect_full(me) != HF_OK || !check(me, *list, 1, 1))
        return 1;
    printf("reversed and collected: %d nodes\n", LENGTH);

    hf_scope_close(me, scope); /* the list is garbage now */
    if (hf_collect_full(me) != HF_OK)
        return 1;
    stats.struct_size = sizeof stats;
    if (hf_stats_get(heap, &stats) != HF_OK)
        return 1;
    printf("collected after use: %s\n", stats.live_bytes < LENGTH ? "yes" : "no");
    return hf_detach(me) == HF_OK && hf_heap_free(heap, NULL) == HF_OK && stats.live_bytes < LENGTH ? 0 : 1;
}
