/* Four threads that make, share, cross, count, link, queue and drop handles of every kind at random while collections run:
 * ./stress_handles [SECONDS [SEED]]. Each handle carries its object's number, and what was made dies exactly once. */
#include <time.h>

#include "check.h"

#define THREADS 4
#define SLOTS 512
#define ROOTS 32

typedef struct item {
    hf_pyobject base;
    intptr_t key;     /* the object's number; of what C has alone, whatever */
    uintptr_t check;  /* its own address xor the key */
    int adopted;
} item;

static world w;
static item *table[SLOTS]; /* each a counted reference or NULL; exchanged */
static unsigned long made, dealloced;
static time_t deadline;

typedef struct player {
    hf_mutator *me;
    uint64_t random;
    size_t scope;
    hf_object **roots[ROOTS];
    unsigned long turns;
} player;

static size_t below(player *p, size_t n) {
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return (size_t)(p->random >> 20) % n;
}

static void verify(const item *it) { CHECK(it->check == ((uintptr_t)it ^ (uintptr_t)it->key)); }

static void fill(item *it, intptr_t key) {
    it->key = key;
    it->check = (uintptr_t)it ^ (uintptr_t)key;
}

static void dealloc(hf_pyobject *ob, void *arg) {
    item *it = (item *)ob;
    int adopted = it->adopted;
    (void)arg;
    CHECK(ob->ob_pypy_link == 0);
    verify(it);
    it->check = 0;
    __atomic_fetch_add(&dealloced, 1, __ATOMIC_RELAXED);
    hf_pyobject_free(ob);
    if (adopted)
        free(ob);
}

static void drain(void *arg) {
    hf_pyobject *ob;
    (void)arg;
    while ((ob = hf_next_dead(w.heap)) != NULL) {
        CHECK(ob->ob_pypy_link == 0);
        hf_decref(ob);
    }
}

static void join_in(player *p) {
    int i;
    OK(hf_attach(w.heap, &p->me));
    p->scope = hf_scope_open(p->me);
    for (i = 0; i < ROOTS; i++)
        p->roots[i] = hf_root(p->me, NULL);
}

static item *swap_slot(player *p, item *it) {
    return __atomic_exchange_n(&table[below(p, SLOTS)], it, __ATOMIC_ACQ_REL);
}

static void drop(item *it) {
    if (it != NULL) {
        verify(it);
        hf_decref(&it->base);
    }
}

/* A new reference to a new object of some kind, in C, on the heap, or both. */
static item *make(player *p) {
    intptr_t key = (intptr_t)below(p, 1000000);
    uint32_t flags = below(p, 2) ? HF_LINK_LIGHT : 0;
    size_t kind = below(p, 8), size = sizeof(item) + below(p, 4) * below(p, 200);
    hf_object *object = NULL;
    item *it;
    if (kind < 6) {
        object = hf_alloc(p->me, kind % 2 == 0 ? w.node : w.slotless);
        CHECK(object != NULL);
        set_number(object, key);
        if (below(p, 2))
            *p->roots[below(p, ROOTS)] = object;
    }
    if (kind < 4) {
        it = (item *)hf_handle(p->me, object, size, NULL, flags);
        CHECK(it != NULL);
    } else if (kind == 7) {
        it = (item *)calloc(1, size);
        CHECK(it != NULL);
        it->base.ob_refcnt = 1;
        OK(hf_pyobject_adopt(p->me, &it->base, size));
        it->adopted = 1;
        flags = 0;
    } else {
        it = (item *)hf_pyobject_new(p->me, size, NULL);
        CHECK(it != NULL);
    }
    fill(it, key);
    if (kind == 4 || kind == 5) {
        OK(kind == 4 ? hf_link_c_owned(p->me, object, &it->base, flags) : hf_link_gc_owned(p->me, object, &it->base, flags));
        CHECK(hf_link_c_owned(p->me, object, &it->base, 0) == HF_ERR_ALREADY_LINKED);
    }
    if (kind >= 6 || flags == 0)
        __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
    return it;
}

static void cross(player *p, item *it) {
    hf_object *object = hf_to_obj(p->me, &it->base);
    verify(it);
    if (object == NULL)
        return;
    CHECK(number(object) == it->key);
    CHECK(hf_from_obj(p->me, object) == &it->base);
    if (below(p, 4) == 0)
        *p->roots[below(p, ROOTS)] = object;
    if (below(p, 4) == 0) {
        /* Stores between objects of any thread: the other's object becomes public. */
        hf_object *other = *p->roots[below(p, ROOTS)];
        if (other != NULL)
            hf_store(p->me, other, below(p, 2) ? LEFT : RIGHT, below(p, 3) == 0 ? NULL : object);
    }
}

static void turn(player *p) {
    item *it;
    hf_object **root;
    size_t i, n;
    switch (below(p, 16)) {
    case 0: case 1: case 2: case 3:
        drop(swap_slot(p, make(p)));
        break;
    case 4: case 5: case 6: case 7:
        it = swap_slot(p, NULL);
        if (it != NULL) {
            cross(p, it);
            drop(swap_slot(p, it));
        }
        break;
    case 8: /* one reference becomes many, in several slots */
        it = swap_slot(p, NULL);
        for (i = 0, n = it == NULL ? 0 : below(p, 8); i < n; i++) {
            hf_incref(&it->base);
            drop(swap_slot(p, it));
        }
        drop(it);
        break;
    case 9: /* a rooted object's handle, found or made */
        root = p->roots[below(p, ROOTS)];
        if (*root != NULL) {
            it = (item *)hf_from_obj(p->me, *root);
            if (it != NULL) {
                CHECK(it->key == number(*root));
                hf_incref(&it->base);
                drop(swap_slot(p, it));
            } else if (below(p, 2)) {
                *root = hf_load(p->me, *root, LEFT);
            }
        }
        break;
    case 10: /* counting in native code */
        it = swap_slot(p, NULL);
        hf_native_enter(p->me);
        if (it != NULL) {
            for (i = 0; i < 20; i++)
                hf_incref(&it->base);
            CHECK(hf_refcnt(&it->base) >= 21);
            for (i = 0; i < 20; i++)
                hf_decref(&it->base);
        }
        drop(it);
        hf_native_leave(p->me);
        break;
    case 11:
        *p->roots[below(p, ROOTS)] = NULL;
        break;
    case 12: /* a call's arguments */
        for (i = 0; i < 20; i++)
            drop(make(p));
        break;
    case 13:
        it = swap_slot(p, NULL);
        if (it != NULL && below(p, 8) == 0) {
            /* Leaves, drops while it is away, comes back. */
            hf_scope_close(p->me, p->scope);
            OK(hf_detach(p->me));
            hf_decref_detached(w.heap, &it->base);
            join_in(p);
        } else if (it != NULL) {
            hf_decref_detached(w.heap, &it->base);
        }
        break;
    case 14:
        if (below(p, 20) == 0)
            OK(hf_collect_minor(p->me));
        break;
    default:
        if (below(p, 400) == 0)
            OK(hf_collect_full(p->me));
        hf_safepoint(p->me);
    }
}

static void *play(void *arg) {
    player *p = (player *)arg;
    join_in(p);
    do {
        int i;
        for (i = 0; i < 256; i++, p->turns++)
            turn(p);
    } while (time(NULL) < deadline);
    hf_scope_close(p->me, p->scope);
    OK(hf_detach(p->me));
    return NULL;
}

int main(int argc, char **argv) {
    static player players[THREADS];
    pthread_t threads[THREADS];
    unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1, turns = 0;
    hf_stats stats;
    size_t i;
    deadline = time(NULL) + (argc > 1 ? atol(argv[1]) : 2);
    open_world(&w, 1);
    hf_set_dealloc(w.heap, dealloc, NULL);
    hf_set_dead_notifier(w.heap, drain, NULL);
    for (i = 0; i < THREADS; i++) {
        players[i].random = (seed * THREADS + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        CHECK(pthread_create(&threads[i], NULL, play, &players[i]) == 0);
    }
    hf_native_enter(w.me);
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        turns += players[i].turns;
    }
    hf_native_leave(w.me);
    for (i = 0; i < SLOTS; i++)
        drop(table[i]);
    full(&w);
    full(&w);
    drain(NULL);
    stats = stats_of(&w);
    fprintf(stderr, "seed %lu: %lu turns, %lu of %lu dealloced, %d minors, %d cycles, %d links left\n", seed, turns, dealloced,
            made, (int)stats.minor_collections, (int)stats.cycles, (int)stats.links);
    CHECK(stats.cycles > 0);
    close_world(&w);
    CHECK(dealloced == made);
    puts("ok");
    return 0;
}
