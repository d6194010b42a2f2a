/* W6: blocks of 48 bytes, in batches of 64. usage: blocks {same | across} BLOCKS
 * same: one thread allocates and frees. across: one allocates, another frees; a ring of 256 batches is between them. */
#include "common.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, RING = 256, SIZE = 48 };

static void *ring[RING][BATCH];
static _Alignas(128) _Atomic uint64_t head;
static _Alignas(128) _Atomic uint64_t tail;
static uint64_t batches;

static void *make(void) {
    uint64_t *block = malloc(SIZE);
    /* A PyObject is zeroed but for its count. */
    memset(block, 0, SIZE);
    block[0] = 1;
    return block;
}

static void *produce(void *unused) {
    for (uint64_t batch = 0; batch < batches; batch++) {
        while (batch - atomic_load_explicit(&tail, memory_order_acquire) >= RING)
            sched_yield();
        for (int i = 0; i < BATCH; i++)
            ring[batch % RING][i] = make();
        atomic_store_explicit(&head, batch + 1, memory_order_release);
    }
    return unused;
}

static void consume(void) {
    for (uint64_t batch = 0; batch < batches; batch++) {
        while (atomic_load_explicit(&head, memory_order_acquire) <= batch)
            sched_yield();
        for (int i = 0; i < BATCH; i++)
            free(ring[batch % RING][i]);
        atomic_store_explicit(&tail, batch + 1, memory_order_release);
    }
}

int main(int argc, char **argv) {
    pthread_t producer;
    if (argc != 3)
        return 2;
    batches = strtoull(argv[2], NULL, 10) / BATCH;
    double wall = wall_clock(), cpu = cpu_clock();
    if (strcmp(argv[1], "across") == 0) {
        pthread_create(&producer, NULL, produce, NULL);
        consume();
        pthread_join(producer, NULL);
    } else {
        for (uint64_t batch = 0; batch < batches; batch++) {
            for (int i = 0; i < BATCH; i++)
                ring[0][i] = make();
            __asm__ volatile("" : : "r"(ring) : "memory");
            for (int i = 0; i < BATCH; i++)
                free(ring[0][i]);
        }
    }
    wall = wall_clock() - wall;
    cpu = cpu_clock() - cpu;
    double ops = (double)(batches * BATCH);
    printf("figure=%.5f wall=%.6f cpu=%.6f ops=%.0f\n", wall * 1e9 / ops, wall, cpu, ops);
    return 0;
}
