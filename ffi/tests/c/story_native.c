/* C that releases the runtime: threads work in native state on memory that they hold by counts, and count up and down,
 * while another collects. Nobody waits for them: full collections end before they come back. */
#include "check.h"

#define THREADS 3
#define PAIRS 200
#define FULLS 10

static world w;
static int inside, go_on;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static hf_pyobject *handed_over[THREADS];

static void *work(void *arg) {
    size_t me_number = (size_t)(intptr_t)arg;
    hf_mutator *me;
    hf_pyobject *obs[PAIRS], *ob;
    hf_object **root;
    size_t scope, i;
    int done = 0, n;
    OK(hf_attach(w.heap, &me));
    scope = hf_scope_open(me);
    root = hf_root(me, NULL);
    for (i = 0; i < PAIRS; i++) {
        hf_object *p = hf_alloc(me, i % 3 == 0 ? w.slotless : w.node);
        CHECK(p != NULL);
        set_number(p, (intptr_t)i);
        hf_store(me, p, LEFT, *root);
        *root = p;
        obs[i] = hf_handle(me, p, 64, NULL, 0);
        CHECK(obs[i] != NULL);
    }
    /* The last one is given to the collecting thread. */
    hf_incref(obs[PAIRS - 1]);
    hf_native_enter(me);
    pthread_mutex_lock(&lock);
    handed_over[me_number] = obs[PAIRS - 1];
    inside++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (n = 0; !done; n++) {
        for (i = 0; i < PAIRS; i++) {
            unsigned char *data = (unsigned char *)(obs[i] + 1);
            CHECK(n == 0 || data[0] == (unsigned char)(n - 1));
            memset(data, n, 40);
            hf_incref(obs[i]);
            CHECK(hf_refcnt(obs[i]) >= 2);
            hf_decref(obs[i]);
        }
        pthread_mutex_lock(&lock);
        done = go_on;
        pthread_mutex_unlock(&lock);
    }
    hf_native_leave(me);
    /* Its objects may have moved; its roots and handles know where. */
    CHECK(number(*root) == PAIRS - 1);
    for (i = PAIRS; i-- > 0; *root = hf_load(me, *root, LEFT)) {
        CHECK(number(*root) == (intptr_t)i);
        ob = hf_from_obj(me, *root);
        CHECK(ob == obs[i]);
        CHECK(hf_to_obj(me, ob) == *root);
        hf_decref(ob);
    }
    hf_scope_close(me, scope);
    OK(hf_detach(me));
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    uint64_t cycles;
    int i, t;
    open_world(&w, 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i) == 0);
    hf_native_enter(w.me);
    pthread_mutex_lock(&lock);
    while (inside < THREADS)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    hf_native_leave(w.me);

    /* All of them are in native code, and stay there until this is through. */
    cycles = stats_of(&w).cycles;
    for (i = 0; i < FULLS; i++) {
        full(&w);
        for (t = 0; t < THREADS; t++) {
            /* Crossing a link that is private to a thread in native code. */
            hf_object *p = hf_to_obj(w.me, handed_over[t]);
            CHECK(number(p) == PAIRS - 1);
            CHECK(number(hf_load(w.me, p, LEFT)) == PAIRS - 2);
        }
    }
    CHECK(stats_of(&w).cycles >= cycles + FULLS);
    CHECK(hf_next_dead(w.heap) == NULL);
    pthread_mutex_lock(&lock);
    go_on = 1;
    pthread_mutex_unlock(&lock);
    hf_native_enter(w.me);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    hf_native_leave(w.me);

    full(&w);
    for (i = 0; i < THREADS; i++) {
        CHECK(number(hf_to_obj(w.me, handed_over[i])) == PAIRS - 1);
        hf_decref(handed_over[i]);
    }
    full(&w);
    for (i = 0;; i++) {
        hf_pyobject *ob = hf_next_dead(w.heap);
        if (ob == NULL)
            break;
        hf_decref(ob);
    }
    CHECK(i == THREADS * PAIRS);
    CHECK(w.deallocs == THREADS * PAIRS);
    close_world(&w);
    puts("ok");
    return 0;
}
