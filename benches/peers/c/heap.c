/* W2 to W5 on malloc and free (of glibc, or of a library by LD_PRELOAD), or with -DBDWGC on the collector of Boehm, Demers
 * and Weiser. usage: heap {w2 OBJECTS | w3 DEPTH | w4 SHRINK | w5 SLOTS TURNS | w5s SLOTS TURNS} THREADS
 *
 * w5: each thread has its part of the slots and of the turns, in a table of its own. w5s: one table for all. */
#include "common.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef BDWGC
#define GC_THREADS
#include <gc/gc.h>
#define NEW(type) ((type *)GC_MALLOC(sizeof(type)))
#define TABLE(bytes) GC_MALLOC(bytes)
#define NUMBERS(bytes) GC_MALLOC_ATOMIC(bytes)
#define FREE(p) ((void)(p))
enum { COLLECTED = 1 };
#else
#define NEW(type) ((type *)malloc(sizeof(type)))
#define TABLE(bytes) calloc(1, bytes)
#define NUMBERS(bytes) calloc(1, bytes)
#define FREE(p) free(p)
enum { COLLECTED = 0 };
#endif

/* Two words of header, as most runtimes have them. 32, 40 and 112 bytes. */
typedef struct node {
    uint64_t header[2];
    struct node *left, *right;
} node;
typedef struct gc_node {
    uint64_t header[2];
    struct gc_node *left, *right;
    int i, j;
} gc_node;
typedef struct entry {
    uint64_t header[2];
    struct entry *link;
    uint64_t values[11];
} entry;

typedef struct job {
    uint64_t a, b, number, ops, sum;
    double wall, cpu;
    gaps gaps;
    _Atomic(entry *) *table;
} job;

static node *volatile kept[64][16];

static node *make(node *left, node *right) {
    node *n = NEW(node);
    n->header[0] = 0x1234;
    n->header[1] = 0;
    n->left = left;
    n->right = right;
    return n;
}

static void w2(job *j) {
    node *volatile *slot = kept[j->number];
    for (uint64_t i = 0; i < j->a; i++) {
        node *n = make(NULL, NULL), *old = *slot;
        n->header[1] = i;
        *slot = n;
        FREE(old);
    }
    j->ops = j->a;
}

static node *bottom_up(uint64_t depth) {
    if (depth == 0)
        return make(NULL, NULL);
    node *left = bottom_up(depth - 1), *right = bottom_up(depth - 1);
    return make(left, right);
}

static uint64_t check(const node *n) { return n->left == NULL ? 1 : 1 + check(n->left) + check(n->right); }

static void drop(node *n) {
    if (COLLECTED)
        return;
    if (n->left != NULL) {
        drop(n->left);
        drop(n->right);
    }
    FREE(n);
}

static uint64_t check_and_drop(node *n) {
    uint64_t nodes = check(n);
    drop(n);
    return nodes;
}

static void w3(job *j) {
    uint64_t nodes = check_and_drop(bottom_up(j->a + 1));
    node *long_lived = bottom_up(j->a);
    for (uint64_t depth = 4; depth <= j->a; depth += 2)
        for (uint64_t i = 0; i < UINT64_C(1) << (j->a - depth + 4); i++)
            nodes += check_and_drop(bottom_up(depth));
    j->ops = nodes + check_and_drop(long_lived);
}

static gc_node *gc_make(gc_node *left, gc_node *right) {
    gc_node *n = NEW(gc_node);
    n->header[0] = 0x1234;
    n->header[1] = 0;
    n->left = left;
    n->right = right;
    n->i = n->j = 0;
    return n;
}

static void gc_fill(gc_node *n, int depth) {
    if (depth == 0)
        return;
    n->left = gc_make(NULL, NULL);
    n->right = gc_make(NULL, NULL);
    gc_fill(n->left, depth - 1);
    gc_fill(n->right, depth - 1);
}

static gc_node *gc_bottom_up(int depth) {
    if (depth == 0)
        return gc_make(NULL, NULL);
    gc_node *left = gc_bottom_up(depth - 1), *right = gc_bottom_up(depth - 1);
    return gc_make(left, right);
}

static void gc_drop(gc_node *n) {
    if (COLLECTED)
        return;
    if (n->left != NULL) {
        gc_drop(n->left);
        gc_drop(n->right);
    }
    FREE(n);
}

static uint64_t gc_check(const gc_node *n) { return n->left == NULL ? 1 : 1 + gc_check(n->left) + gc_check(n->right); }

static void w4(job *j) {
    const int stretch = 20 - (int)j->a, long_lived = 18 - (int)j->a;
    gc_drop(gc_bottom_up(stretch));
    gc_node *keep = gc_make(NULL, NULL);
    gc_fill(keep, long_lived);
    double *numbers = NUMBERS(2000000 * sizeof(double));
    for (int i = 0; i < 1000000; i++)
        numbers[i] = 1.0 / (i + 1);
    for (int depth = 4; depth <= 18 - (int)j->a; depth += 2) {
        uint64_t count = 2 * ((UINT64_C(2) << stretch) - 1) / ((UINT64_C(2) << depth) - 1);
        for (uint64_t i = 0; i < count; i++) {
            gc_node *tree = gc_make(NULL, NULL);
            gc_fill(tree, depth);
            gc_drop(tree);
        }
        for (uint64_t i = 0; i < count; i++)
            gc_drop(gc_bottom_up(depth));
    }
    j->sum = gc_check(keep) + (uint64_t)(numbers[1000] * 1e6);
    gc_drop(keep);
    FREE(numbers);
    j->ops = 1;
}

static entry *entry_new(uint64_t value) {
    entry *e = NEW(entry);
    e->header[0] = 0x1234;
    e->header[1] = 0;
    e->link = NULL;
    for (int i = 0; i < 11; i++)
        e->values[i] = value;
    return e;
}

static _Atomic(entry *) *table_new(uint64_t slots) {
    _Atomic(entry *) *table = TABLE(slots * sizeof *table);
    for (uint64_t i = 0; i < slots; i++)
        atomic_store_explicit(&table[i], entry_new(i), memory_order_relaxed);
    return table;
}

/* A tick is sixteen replacements. A table of one's own needs no exchange. */
static void replace(job *j, _Atomic(entry *) *table, int shared) {
    uint64_t state = random_start(j->a + (shared ? j->number : 0)), sum = 0;
    double wall = wall_clock(), cpu = cpu_clock();
    uint64_t last = now_ns();
    for (uint64_t turn = 0; turn < j->b; turn++) {
        uint64_t at = random_slot(&state, j->a);
        entry *new = entry_new(turn), *old;
        if (shared) {
            old = atomic_exchange_explicit(&table[at], new, memory_order_acq_rel);
        } else {
            old = atomic_load_explicit(&table[at], memory_order_relaxed);
            atomic_store_explicit(&table[at], new, memory_order_relaxed);
        }
        sum += old->values[0];
        FREE(old);
        if ((turn & 15) == 15) {
            uint64_t now = now_ns();
            gaps_add(&j->gaps, now - last);
            last = now;
        }
    }
    j->wall = wall_clock() - wall;
    j->cpu = cpu_clock() - cpu;
    j->ops = j->b;
    j->sum = sum;
}

static void w5(job *j) { replace(j, table_new(j->a), 0); }
static void w5s(job *j) { replace(j, j->table, 1); }

static void (*work)(job *);

static void *run(void *argument) {
    work(argument);
    return NULL;
}

int main(int argc, char **argv) {
    static job jobs[64];
    pthread_t threads[64];
    if (argc < 4)
        return 2;
    const char *workload = argv[1];
    uint64_t n = strtoull(argv[argc - 1], NULL, 10), ops = 0, sum = 0;
    if (n < 1 || n > 64)
        return 2;
#ifdef BDWGC
    GC_INIT();
    GC_allow_register_threads();
#endif
    static const struct {
        const char *name;
        void (*work)(job *);
    } all[] = {{"w2", w2}, {"w3", w3}, {"w4", w4}, {"w5", w5}, {"w5s", w5s}};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, workload) == 0)
            work = all[i].work;
    if (work == NULL)
        return 2;
    int table = work == w5 || work == w5s;
    for (uint64_t i = 0; i < n; i++) {
        jobs[i].a = strtoull(argv[2], NULL, 10);
        jobs[i].b = table ? strtoull(argv[3], NULL, 10) / n : 0;
        jobs[i].number = i;
        if (work == w5)
            jobs[i].a /= n;
        if (work == w5s)
            jobs[i].table = i == 0 ? table_new(jobs[0].a) : jobs[0].table;
    }
    double wall = wall_clock(), cpu = cpu_clock();
    if (n == 1) {
        /* glibc is faster while there is one thread, and programs with one thread are many. */
        work(&jobs[0]);
    } else {
        for (uint64_t i = 0; i < n; i++)
            pthread_create(&threads[i], NULL, run, &jobs[i]);
        for (uint64_t i = 0; i < n; i++)
            pthread_join(threads[i], NULL);
    }
    wall = wall_clock() - wall;
    cpu = cpu_clock() - cpu;
    if (table)
        wall = cpu = 0;
    for (uint64_t i = 0; i < n; i++) {
        ops += jobs[i].ops;
        sum += jobs[i].sum;
        wall = jobs[i].wall > wall ? jobs[i].wall : wall;
        cpu = jobs[i].cpu > cpu ? jobs[i].cpu : cpu;
        if (i > 0)
            gaps_merge(&jobs[0].gaps, &jobs[i].gaps);
    }
    double figure = work == w4 ? wall : wall * 1e9 / (double)ops;
    printf("figure=%.5f wall=%.6f cpu=%.6f ops=%llu", figure, wall, cpu, (unsigned long long)ops);
    printf(" sum=%llu", (unsigned long long)sum);
#ifdef BDWGC
    printf(" cycles=%lu", (unsigned long)GC_get_gc_no());
#endif
    if (table)
        gaps_print(&jobs[0].gaps);
    printf("\n");
    return 0;
}
