/* Two heaps, two threads, both attached to both: each crosses a private link of the other, in another heap. */
#include "check.h"

enum { ROUNDS = 4000 };

static world w[2];
static hf_pyobject *mailbox[2];

static void *exchange(void *arg) {
    int me = (int)(intptr_t)arg, i;
    hf_mutator *mine, *other;
    OK(hf_attach(w[me].heap, &mine));
    OK(hf_attach(w[1 - me].heap, &other));
    for (i = 0; i < ROUNDS; i++) {
        hf_pyobject *ob, *theirs;
        hf_object *p = hf_alloc(mine, w[me].node);
        CHECK(p != NULL);
        set_number(p, i);
        ob = hf_handle(mine, p, sizeof(hf_pyobject), NULL, HF_LINK_LIGHT);
        CHECK(ob != NULL);
        __atomic_store_n(&mailbox[me], ob, __ATOMIC_RELEASE);
        do {
            hf_safepoint(mine);
            hf_safepoint(other);
            theirs = __atomic_exchange_n(&mailbox[1 - me], NULL, __ATOMIC_ACQUIRE);
        } while (theirs == NULL);
        CHECK(number(hf_to_obj(other, theirs)) == i);
        hf_decref(theirs);
        while (__atomic_load_n(&mailbox[me], __ATOMIC_RELAXED) != NULL) {
            hf_safepoint(mine);
            hf_safepoint(other);
        }
    }
    OK(hf_detach(mine));
    OK(hf_detach(other));
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    int i;
    open_world(&w[0], 1);
    open_world(&w[1], 1);
    hf_native_enter(w[0].me);
    hf_native_enter(w[1].me);
    for (i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, exchange, (void *)(intptr_t)i) == 0);
    for (i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    hf_native_leave(w[0].me);
    hf_native_leave(w[1].me);
#if !defined(CHECKED_BUILD) /* which stops here: misuse_foreign_handle.c */
    for (i = 0; i < 2; i++) {
        /* Private to this thread's other mutator, then public. */
        hf_object *p = new_node(&w[i], w[i].node, 1);
        hf_pyobject *ob = hf_handle(w[i].me, p, sizeof(hf_pyobject), NULL, HF_LINK_LIGHT);
        CHECK(ob != NULL);
        CHECK((hf_to_obj)(w[1 - i].me, ob) == NULL);
        CHECK(strstr(hf_last_error(), "another heap") != NULL);
        OK(hf_publish(w[i].me, p));
        CHECK((hf_to_obj)(w[1 - i].me, ob) == NULL);
        CHECK(strstr(hf_last_error(), "another heap") != NULL);
        CHECK((hf_to_obj)(w[i].me, ob) == p);
        hf_decref(ob);
    }
#endif
    for (i = 0; i < 2; i++) {
        full(&w[i]);
        CHECK(stats_of(&w[i]).links == 0);
        close_world(&w[i]);
    }
    puts("ok");
    return 0;
}
