/* Threads that share objects: a global root, a table that all of them write, native state while waiting.
 *
 *   cc -std=c11 -Iffi/include ffi/examples/threads.c target/release/libhandfast.a -lpthread -ldl -lm -o threads && ./threads
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "handfast.h"

enum { THREADS = 4, EACH = 20000 };

typedef struct cell {
    hf_object *next;
    long value;
} cell;

#define NEXT offsetof(cell, next)

static hf_heap *heap;
static hf_type cell_type, table_type;
static hf_global *table; /* a table with one list for each thread */

/* Pushes EACH cells on this thread's list in the shared table. */
static void *work(void *argument) {
    size_t mine = *(const size_t *)argument;
    hf_mutator *me;
    long i;

    if (hf_attach(heap, &me) != HF_OK)
        return NULL;
    for (i = 1; i <= EACH; i++) {
        hf_object *fresh = hf_alloc(me, cell_type); /* may collect; so what is read below is read after it */
        hf_object *lists = hf_global_get(me, table);
        if (fresh == NULL)
            return NULL;
        ((cell *)hf_payload(fresh))->value = i;
        hf_store(me, fresh, NEXT, hf_load(me, lists, mine * sizeof(void *)));
        hf_store(me, lists, mine * sizeof(void *), fresh); /* publishes the cell: the table is public */
    }
    return hf_detach(me) == HF_OK ? argument : NULL;
}

int main(void) {
    static const size_t references[] = {NEXT};
    static size_t numbers[THREADS];
    pthread_t threads[THREADS];
    hf_mutator *me;
    hf_type_info info;
    hf_config config;
    long total = 0;
    size_t i;

    hf_config_init(&config);
    config.min_trigger_bytes = 1 << 20; /* let cycles run while the threads do */
    hf_type_info_init(&info);
    info.name = "cell";
    info.size = sizeof(cell);
    info.ref_offsets = references;
    info.ref_offsets_len = 1;
    if (hf_heap_new(&config, &heap) != HF_OK || hf_attach(heap, &me) != HF_OK ||
        hf_type_new(heap, &info, &cell_type) != HF_OK) {
        fprintf(stderr, "%s\n", hf_last_error());
        return 1;
    }
    hf_type_info_init(&info);
    info.name = "table";
    info.item_size = sizeof(void *);
    info.items_are_refs = true;
    if (hf_type_new(heap, &info, &table_type) != HF_OK ||
        hf_global_new(me, hf_alloc_items(me, table_type, THREADS), &table) != HF_OK) {
        fprintf(stderr, "%s\n", hf_last_error());
        return 1;
    }

    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0)
            return 1;
    }
    hf_native_enter(me); /* collections do not wait for a thread that waits */
    for (i = 0; i < THREADS; i++) {
        void *done;
        if (pthread_join(threads[i], &done) != 0 || done == NULL)
            return 1;
    }
    hf_native_leave(me);

    for (i = 0; i < THREADS; i++) {
        hf_object *p = hf_load(me, hf_global_get(me, table), i * sizeof(void *));
        for (; p != NULL; p = hf_load(me, p, NEXT))
            total += ((cell *)hf_payload(p))->value;
    }
    printf("%d threads, sum %ld\n", THREADS, total);
    hf_global_free(me, table);
    if (hf_detach(me) != HF_OK || hf_heap_free(heap, NULL) != HF_OK)
        return 1;
    return total == (long)THREADS * EACH * (EACH + 1) / 2 ? 0 : 1;
}
