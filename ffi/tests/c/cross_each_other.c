/* Two threads of one heap cross each other's private links at the same time: each has to wait until the other has published
 * its object, and neither comes to a safepoint before it has crossed. Whoever waits serves the other meanwhile. */
#include "check.h"
#include <sched.h>

enum { ROUNDS = 4000 };

static world w;
static hf_pyobject *mailbox[2];
static int crossed[2];

static void *exchange(void *arg) {
    int me = (int)(intptr_t)arg, i;
    hf_mutator *mine;
    OK(hf_attach(w.heap, &mine));
    for (i = 1; i <= ROUNDS; i++) {
        hf_pyobject *ob, *theirs;
        hf_object *p = hf_alloc(mine, w.node);
        CHECK(p != NULL);
        set_number(p, i);
        ob = hf_handle(mine, p, sizeof(hf_pyobject), NULL, HF_LINK_LIGHT);
        CHECK(ob != NULL && (ob->ob_pypy_link & HF_LINK_PRIVATE) != 0);
        __atomic_store_n(&mailbox[me], ob, __ATOMIC_RELEASE);
        /* No safepoint here: both threads come out of this loop with the other's link still private. */
        while ((theirs = __atomic_exchange_n(&mailbox[1 - me], NULL, __ATOMIC_ACQUIRE)) == NULL)
            (void)sched_yield();
        CHECK(number(hf_to_obj(mine, theirs)) == i);
        hf_decref(theirs);
        __atomic_store_n(&crossed[me], i, __ATOMIC_RELEASE);
        while (__atomic_load_n(&crossed[1 - me], __ATOMIC_ACQUIRE) < i) {
            hf_safepoint(mine);
            (void)sched_yield();
        }
    }
    OK(hf_detach(mine));
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    int i;
    open_world(&w, 1);
    hf_native_enter(w.me);
    for (i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, exchange, (void *)(intptr_t)i) == 0);
    for (i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    hf_native_leave(w.me);
    full(&w);
    CHECK(stats_of(&w).links == 0);
    close_world(&w);
    puts("ok");
    return 0;
}
