/* Counts of a program that has a lock of its own around them: for the counts of instructions, and for the runner. */
#define HF_COUNTS_LOCKED
#include "handfast.h"

void bench_counts_locked(hf_pyobject *ob, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        hf_incref(ob);
        __asm__ volatile("" : : "r"(ob) : "memory");
        hf_decref(ob);
    }
}
