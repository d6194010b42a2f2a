/* A thread links its private object to a PyObject that another thread made. Whoever crosses a private link asks the owner of
 * the PyObject's memory, which here is not the object's owner: so such an object is public as soon as it is linked. The
 * maker of the PyObject crosses without waiting for anybody, and what it finds stays where it is. */
#include "check.h"

enum { ROUNDS = 100 };

static world w;
static hf_pyobject *ob;
static pthread_barrier_t together;

static void wait_here(void) { pthread_barrier_wait(&together); }

static void *other(void *arg) {
    hf_mutator *me = NULL;
    int round;
    (void)arg;
    OK(hf_attach(w.heap, &me));
    for (round = 0; round < ROUNDS; round++) {
        hf_object *p, *child;
        wait_here(); /* the PyObject is there */
        p = hf_alloc(me, round & 1 ? w.node : w.slotless);
        CHECK(p != NULL);
        set_number(p, round);
        OK(hf_pin(me, p)); /* over the next allocation; a pin does not make it public */
        child = hf_alloc(me, w.node);
        CHECK(child != NULL);
        set_number(child, -round);
        hf_store(me, p, LEFT, child);
        hf_unpin(me, p);
        OK(hf_link_gc_owned(me, p, ob, 0));
        wait_here(); /* linked. The other crosses; this thread is running, and at no safepoint. */
        wait_here(); /* crossed */
        OK(hf_collect_minor(me));
        wait_here(); /* a minor collection of the object's owner is over */
    }
    OK(hf_detach(me));
    return NULL;
}

int main(void) {
    pthread_t thread;
    int round;
    open_world(&w, 0);
    CHECK(pthread_barrier_init(&together, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, other, NULL) == 0);
    for (round = 0; round < ROUNDS; round++) {
        hf_object *p, *child;
        ob = new_ob(&w);
        wait_here();
        wait_here();
        p = hf_to_obj(w.me, ob);
        CHECK(p != NULL);
        CHECK(number(p) == round);
        child = hf_load(w.me, p, LEFT);
        CHECK(child != NULL);
        CHECK(number(child) == -round);
        wait_here();
        wait_here();
        CHECK(hf_to_obj(w.me, ob) == p);
        CHECK(number(p) == round);
        CHECK(hf_load(w.me, p, LEFT) == child);
        CHECK(number(child) == -round);
        hf_decref(ob);
    }
    hf_native_enter(w.me);
    CHECK(pthread_join(thread, NULL) == 0);
    hf_native_leave(w.me);
    OK(hf_collect_full(w.me));
    for (round = 0; (ob = hf_next_dead(w.heap)) != NULL; round++)
        hf_decref(ob);
    CHECK(round == ROUNDS);
    CHECK(w.deallocs == ROUNDS);
    close_world(&w);
    puts("ok");
    return 0;
}
