/* A runtime's inner loop: each call of a C function makes pairs for its arguments and its result, and drops them when it
 * returns. They die at the next minor collection of their thread; the global cycle has no work from them. */
#include "check.h"

#define CALLS 20000
#define PAIRS_A_CALL 3
#define THREADS 2

/* A C function: takes two, answers a new reference. */
static hf_pyobject *add(world *w, hf_mutator *me, hf_pyobject *a, hf_pyobject *b, uint32_t flags) {
    intptr_t sum = number(hf_to_obj(me, a)) + number(hf_to_obj(me, b));
    hf_object *result = hf_alloc(me, w->node);
    hf_pyobject *ob;
    CHECK(result != NULL);
    set_number(result, sum);
    ob = hf_handle(me, result, 48, NULL, flags);
    CHECK(ob != NULL);
    return ob;
}

static hf_pyobject *argument(world *w, hf_mutator *me, intptr_t n, uint32_t flags) {
    hf_object *p = hf_alloc(me, n % 2 == 0 ? w->node : w->slotless);
    hf_pyobject *ob;
    CHECK(p != NULL);
    set_number(p, n);
    ob = hf_handle(me, p, 48, NULL, flags);
    CHECK(ob != NULL);
    return ob;
}

static void calls(world *w, hf_mutator *me, uint32_t flags) {
    intptr_t i;
    for (i = 0; i < CALLS; i++) {
        hf_pyobject *a = argument(w, me, i, flags), *b = argument(w, me, i + 1, flags);
        hf_pyobject *sum = add(w, me, a, b, flags);
        CHECK(number(hf_to_obj(me, sum)) == 2 * i + 1);
        hf_decref(a);
        hf_decref(b);
        hf_decref(sum);
        /* Here, before the nursery is full, so that no minor comes in the middle of a call: what C holds then gets old. */
        if (i % 500 == 499)
            OK(hf_collect_minor(me));
    }
}

static void *in_a_thread(void *arg) {
    world *w = (world *)arg;
    hf_mutator *me;
    OK(hf_attach(w->heap, &me));
    calls(w, me, HF_LINK_LIGHT);
    OK(hf_detach(me));
    return NULL;
}

int main(void) {
    world w;
    pthread_t threads[THREADS];
    hf_stats before, after;
    hf_pyobject *ob;
    uint64_t pairs = CALLS * PAIRS_A_CALL;
    int i;
    open_world(&w, 0);

    /* Light: silently. */
    before = stats_of(&w);
    calls(&w, w.me, HF_LINK_LIGHT);
    after = stats_of(&w);
    CHECK(after.links_freed_by_minor == before.links_freed_by_minor + pairs);
    CHECK(after.links_freed_by_cycle == before.links_freed_by_cycle);
    CHECK(after.cycles == before.cycles);
    CHECK(after.dead_queued == before.dead_queued);
    CHECK(after.links == 0);
    CHECK(after.minor_collections == before.minor_collections + CALLS / 500);

    /* Threads with calls of their own. */
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, in_a_thread, &w) == 0);
    hf_native_enter(w.me);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    hf_native_leave(w.me);
    before = after;
    after = stats_of(&w);
    CHECK(after.links_freed_by_minor == before.links_freed_by_minor + THREADS * pairs);
    CHECK(after.links_freed_by_cycle == before.links_freed_by_cycle);
    CHECK(after.cycles == before.cycles);
    CHECK(after.links == 0);

    /* Not light: by the same minor, and each is delivered. */
    before = after;
    calls(&w, w.me, 0);
    hf_safepoint(w.me);
    after = stats_of(&w);
    CHECK(after.links_freed_by_minor == before.links_freed_by_minor + pairs);
    CHECK(after.links_freed_by_cycle == before.links_freed_by_cycle);
    CHECK(after.cycles == before.cycles);
    CHECK(after.dead_queued == before.dead_queued + pairs);
    CHECK(after.links == 0);
    CHECK(w.notices > 0);
    for (; (ob = hf_next_dead(w.heap)) != NULL; pairs--)
        hf_decref(ob);
    CHECK(pairs == 0);

    /* C keeps one reference for longer: that pair alone is left to the global cycle. */
    ob = argument(&w, w.me, 4, HF_LINK_LIGHT);
    before = after;
    calls(&w, w.me, HF_LINK_LIGHT);
    hf_decref(ob);
    OK(hf_collect_minor(w.me));
    after = stats_of(&w);
    CHECK(after.links == 1);
    CHECK(after.links_freed_by_minor == before.links_freed_by_minor + CALLS * PAIRS_A_CALL);
    full(&w);
    CHECK(stats_of(&w).links == 0);
    CHECK(stats_of(&w).links_freed_by_cycle == before.links_freed_by_cycle + 1);
    close_world(&w);
    puts("ok");
    return 0;
}
