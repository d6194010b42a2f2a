/* Whatever makes an object, and in whatever order: it is zero, whatever was in its memory before. */
#include "check.h"

#define SIZES 25
#define KEPT 200000
#define ROUNDS 60000

static hf_type types[SIZES], number_300, finalizable;
static size_t sizes[SIZES];
static long finalized;

/* Zero, and from now on not. */
static void use(hf_object *p, size_t size) {
    unsigned char *bytes = (unsigned char *)hf_payload(p);
    size_t i;
    CHECK(p != NULL);
    for (i = 0; i < size; i++)
        CHECK(bytes[i] == 0);
    memset(bytes, 0xff, size);
}

/* Allocates in the middle of somebody else's allocation. */
static void finalize(hf_mutator *me, hf_object *p) {
    (void)p;
    finalized++;
    use(hf_alloc(me, types[finalized % SIZES]), sizes[finalized % SIZES]);
}

static uint64_t random_state = 88172645463325252u;
static size_t random_below(size_t n) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % n);
}

/* By a size that the compiler knows. */
#define SIZED(k, bytes) \
    case k: \
        CHECK(sizes[k] == (bytes)); \
        use(hf_alloc_sized(w->me, layout, (bytes)), (bytes)); \
        use((hf_alloc_sized)(w->me, layout, (bytes)), (bytes)); \
        break;
static void sized(world *w, size_t k) {
    const hf_layout *layout = hf_type_layout(w->heap, types[k]);
    switch (k) {
        SIZED(0, 8) SIZED(1, 16) SIZED(2, 24) SIZED(3, 32) SIZED(6, 56) SIZED(15, 128) SIZED(20, 1000) SIZED(22, 5000)
        SIZED(23, 20000)
    default: use(hf_alloc_sized(w->me, layout, sizes[k]), sizes[k]); break;
    }
}

static void batch(world *w) {
    hf_batch b = hf_batch_begin(w->me);
    size_t i, n = random_below(200), k = random_below(SIZES);
    const hf_layout *layout = hf_type_layout(w->heap, types[k]);
    for (i = 0; i < n; i++)
        use(hf_batch_alloc(&b, layout), sizes[k]);
    /* One in eight is forgotten: its objects are overwritten then. */
    if (random_below(8) != 0)
        hf_batch_end(&b);
}

static void *other_thread(void *arg) {
    world *w = (world *)arg;
    hf_mutator *me;
    int i;
    OK(hf_attach(w->heap, &me));
    for (i = 0; i < 50; i++)
        OK(hf_collect_full(me));
    OK(hf_detach(me));
    return NULL;
}

/* Small objects fill the nursery's blocks to the end, with blocks between them whose objects stay: nothing is zeroed but what is
 * made. */
static void neighbours(world *w) {
    hf_object **kept = hf_root(w->me, hf_alloc_items(w->me, w->array, KEPT));
    size_t i, n, from, round;
    CHECK(kept != NULL && *kept != NULL);
    for (round = 0; round < 60; round++) {
        from = random_below(KEPT - KEPT / 8);
        for (i = from; i < from + KEPT / 8; i++)
            hf_store(w->me, *kept, i * sizeof(hf_object *), NULL);
        OK(round % 4 == 0 ? hf_collect_full(w->me) : hf_collect_minor(w->me));
        for (n = random_below(KEPT); n > 0; n--) {
            size_t k = random_below(2) == 0 ? 0 : SIZES - 1;
            hf_object *object = hf_alloc(w->me, types[k]);
            use(object, sizes[k]);
            i = random_below(KEPT);
            hf_store(w->me, *kept, i * sizeof(hf_object *), object);
        }
    }
    OK(hf_collect_full(w->me));
    for (i = 0; i < KEPT; i++) {
        hf_object *object = hf_load(w->me, *kept, i * sizeof(hf_object *));
        hf_type type = hf_type_of(object);
        CHECK(object == NULL || type == types[0] || type == types[SIZES - 1]);
        CHECK(type != types[0] || *(uint64_t *)hf_payload(object) == UINT64_MAX);
    }
    OK(hf_heap_verify(w->heap));
}

int main(void) {
    world w;
    hf_type_info info;
    pthread_t thread;
    size_t i, round;
    open_world(&w, 1);
    for (i = 0; i < SIZES; i++) {
        sizes[i] = i < 20 ? 8 * (i + 1) : i == 20 ? 1000 : i == 21 ? 1024 : i == 22 ? 5000 : i == 23 ? 20000 : 0;
        types[i] = new_type(w.heap, "sized", sizes[i], NULL, 0, HF_NO_SLOT);
    }
    hf_type_info_init(&info);
    info.size = 24;
    info.finalize = finalize;
    OK(hf_type_new(w.heap, &info, &finalizable));
    for (i = 0; i < 300; i++)
        number_300 = new_type(w.heap, "late", 40, NULL, 0, HF_NO_SLOT);
    CHECK(number_300 > 256);
    CHECK(hf_alloc(w.me, number_300 + 1) == NULL && (hf_alloc)(w.me, number_300 + 1) == NULL);
    CHECK(hf_alloc(w.me, 0) == NULL && hf_alloc(w.me, HF_NO_TYPE) == NULL);
    CHECK(strstr(hf_last_error(), "unknown type") != NULL);
    CHECK(pthread_create(&thread, NULL, other_thread, &w) == 0);

    for (round = 0; round < ROUNDS; round++) {
        size_t k = random_below(SIZES);
        use(hf_alloc(w.me, types[k]), sizes[k]);
        switch (random_below(16)) {
        case 0: use((hf_alloc)(w.me, types[k]), sizes[k]); break;
        case 1: use(hf_alloc_layout(w.me, hf_type_layout(w.heap, types[k])), sizes[k]); break;
        case 2: use((hf_alloc_layout)(w.me, hf_type_layout(w.heap, types[k])), sizes[k]); break;
        case 9:
        case 10:
        case 11: sized(&w, k); break;
        case 12: use(hf_alloc_sized(w.me, hf_type_layout(w.heap, finalizable), 24), 24); break;
        case 3: use(hf_alloc_items(w.me, w.bytes, k * 50), k * 50); break;
        case 4: use(hf_alloc(w.me, number_300), 40); break;
        case 5: use(hf_alloc(w.me, finalizable), 24); break;
        case 6:
            if (round % 8 == 0)
                batch(&w);
            break;
        case 7:
            hf_native_enter(w.me);
            hf_native_leave(w.me);
            break;
        case 8:
            if (round % 64 == 0)
                OK(hf_collect_minor(w.me));
            break;
        default: break;
        }
    }
    hf_native_enter(w.me);
    CHECK(pthread_join(thread, NULL) == 0);
    hf_native_leave(w.me);
    CHECK(finalized > 0);
    neighbours(&w);
    close_world(&w);
    puts("ok");
    return 0;
}
