/* Clocks, random slots, and gaps in the form that all programs here print them (see src/outcome.rs). */
#ifndef COMMON_H
#define COMMON_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static inline double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double wall_clock(void) { return seconds(CLOCK_MONOTONIC); }
static inline double cpu_clock(void) { return seconds(CLOCK_PROCESS_CPUTIME_ID); }

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The numbers that choose slots: the same on every system. */
static inline uint64_t random_start(uint64_t slots) { return 88172645463325252u + slots; }

static inline uint64_t random_slot(uint64_t *state, uint64_t slots) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return (x >> 20) % slots;
}

/* Powers of two with sixteen linear steps in each. */
typedef struct gaps {
    uint64_t buckets[64 * 16], count, longest;
    /* The longest without the time in which the thread was ready to run and had no core (see src/gaps.rs); and the clock, the
       time that it had run and the times that it had waited when that was looked at last. */
    uint64_t own, looked, ran;
    long waits;
} gaps;

static inline void gaps_look(gaps *g, uint64_t ns) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    uint64_t now = now_ns(), ran = (uint64_t)(seconds(CLOCK_THREAD_CPUTIME_ID) * 1e9);
    uint64_t passed = now - g->looked, worked = ran - g->ran, stood = passed > worked ? passed - worked : 0;
    uint64_t own = usage.ru_nvcsw != g->waits ? ns : ns > stood ? ns - stood : 0;
    if (own > g->own)
        g->own = own;
    g->looked = now;
    g->ran = ran;
    g->waits = usage.ru_nvcsw;
}

static inline void gaps_add(gaps *g, uint64_t ns) {
    unsigned power = ns < 16 ? 0 : (unsigned)(60 - __builtin_clzll(ns));
    unsigned at = ns < 16 ? (unsigned)ns : power * 16 + (unsigned)((ns >> (power - 1)) & 15);
    g->buckets[at]++;
    if (g->count++ == 0)
        gaps_look(g, 0);
    else if (ns >= 500000)
        gaps_look(g, ns);
    if (ns > g->longest)
        g->longest = ns;
}

static inline uint64_t gaps_lowest(unsigned at) { return at < 16 ? at : (uint64_t)(16 + (at & 15)) << (at / 16 - 1); }

static inline double gaps_us(const gaps *g, double part) {
    uint64_t wanted = (uint64_t)((double)g->count * part), seen = 0;
    for (unsigned at = 0; at < 64 * 16; at++) {
        seen += g->buckets[at];
        if (seen > wanted)
            return (double)gaps_lowest(at) / 1e3;
    }
    return (double)g->longest / 1e3;
}

static inline void gaps_merge(gaps *g, const gaps *other) {
    for (unsigned at = 0; at < 64 * 16; at++)
        g->buckets[at] += other->buckets[at];
    g->count += other->count;
    if (other->longest > g->longest)
        g->longest = other->longest;
    if (other->own > g->own)
        g->own = other->own;
}

static inline void gaps_print(const gaps *g) {
    printf(" gap_p50_us=%.2f gap_p99_us=%.2f gap_p999_us=%.2f gap_p9999_us=%.2f gap_max_us=%.2f gap_own_us=%.2f gap_hist=",
           gaps_us(g, .5), gaps_us(g, .99), gaps_us(g, .999), gaps_us(g, .9999), (double)g->longest / 1e3, (double)g->own / 1e3);
    for (unsigned at = 0; at < 64 * 16; at++)
        if (g->buckets[at] != 0)
            printf("%llu:%llu;", (unsigned long long)gaps_lowest(at), (unsigned long long)g->buckets[at]);
}
#endif
