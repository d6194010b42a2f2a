/* Counts under a lock of the program's own: threads take, drop, make and pass on handles, each only while it holds the lock,
 * and let go of it around everything else. Collections run meanwhile, without it. No reference is lost. */
#define HF_COUNTS_LOCKED
#include "check.h"

enum { THREADS = 4, SLOTS = 32, TURNS = 20000 };

static world w;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static hf_pyobject *table[SLOTS]; /* counted, or NULL */
static long made, dealloced;      /* handles of C alone; under the lock */

static void dealloc(hf_pyobject *ob, void *arg) {
    (void)arg;
    dealloced++;
    hf_pyobject_free(ob);
}

static void *work(void *argument) {
    uint64_t random = *(uint64_t *)argument * UINT64_C(0x9e3779b97f4a7c15);
    hf_mutator *me;
    int i;
    OK(hf_attach(w.heap, &me));
    for (i = 0; i < TURNS; i++) {
        hf_object *p = hf_alloc(me, i & 1 ? w.node : w.slotless); /* may collect: without the lock */
        hf_pyobject **place, *ob, *old;
        random = random * UINT64_C(6364136223846793005) + 1;
        place = &table[(random >> 33) % SLOTS];
        /* Who waits for the lock holds nobody up, and its object cannot move while it is rooted. */
        size_t scope = hf_scope_open(me);
        hf_object **root = hf_root(me, p);
        hf_native_enter(me);
        pthread_mutex_lock(&lock);
        hf_native_leave(me);
        switch ((random >> 40) % 4) {
        case 0: /* a pair */
            ob = hf_handle(me, *root, 64, NULL, HF_LINK_LIGHT);
            break;
        case 1: /* of C alone */
            ob = hf_pyobject_new(me, 64, NULL);
            made++;
            break;
        default: /* another one of the table's */
            ob = table[(random >> 50) % SLOTS];
            hf_incref(ob);
        }
        if (ob != NULL) {
            hf_incref(ob);
            CHECK(hf_refcnt(ob) >= 2);
            hf_decref(ob);
        }
        old = *place;
        *place = ob;
        hf_decref(old);
        pthread_mutex_unlock(&lock);
        hf_scope_close(me, scope);
        if (i % 2000 == 1999)
            OK(hf_collect_full(me));
    }
    OK(hf_detach(me));
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    uint64_t seeds[THREADS];
    size_t i;
    open_world(&w, 1);
    hf_set_dealloc(w.heap, dealloc, NULL);
    hf_native_enter(w.me);
    for (i = 0; i < THREADS; i++) {
        seeds[i] = i + 1;
        CHECK(pthread_create(&threads[i], NULL, work, &seeds[i]) == 0);
    }
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    hf_native_leave(w.me);
    for (i = 0; i < SLOTS; i++)
        hf_decref(table[i]);
    CHECK(made > 0);
    CHECK(dealloced == made);
    full(&w);
    CHECK(stats_of(&w).links == 0);
    CHECK(stats_of(&w).c_only == 0);
    close_world(&w);
    puts("ok");
    return 0;
}
