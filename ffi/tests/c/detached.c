/* A thread that is attached to nothing drops references: nothing happens at once, all of it at the next safepoint of a
 * mutator, or when the heap is freed. Deallocs run on the thread that does it, never on the one that dropped. */
#include "check.h"

#define MANY 10000

static pthread_t runner;
static hf_heap *heap;
static int deallocs;

static void count(hf_pyobject *ob, void *arg) {
    (void)arg;
    CHECK(pthread_equal(pthread_self(), runner));
    deallocs++;
    hf_pyobject_free(ob);
}

static void *drop_all(void *obs) {
    hf_pyobject **ob;
    for (ob = (hf_pyobject **)obs; *ob != NULL; ob++)
        hf_decref_detached(heap, *ob);
    hf_decref_detached(heap, NULL);
    return NULL;
}

static void in_threads(hf_pyobject **first, hf_pyobject **second) {
    pthread_t threads[2];
    CHECK(pthread_create(&threads[0], NULL, drop_all, first) == 0);
    CHECK(pthread_create(&threads[1], NULL, drop_all, second) == 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

static hf_pyobject *obs[2][MANY + 1];

int main(void) {
    world w;
    hf_leak_report report;
    hf_pyobject *pair, *held;
    size_t scope;
    hf_object **root;
    int i, t;
    open_world(&w, 0);
    heap = w.heap;
    runner = pthread_self();
    hf_set_dealloc(w.heap, count, NULL);

    /* C-only objects. */
    for (t = 0; t < 2; t++)
        for (i = 0; i < MANY; i++)
            obs[t][i] = new_ob(&w);
    in_threads(obs[0], obs[1]);
    CHECK(deallocs == 0);
    CHECK(hf_refcnt(obs[0][0]) == 1); /* the queue's: alive until it is taken from there */
    hf_safepoint(w.me);
    CHECK(deallocs == 2 * MANY);
    hf_safepoint(w.me);
    CHECK(deallocs == 2 * MANY);

    /* A pair: no side effect on the decref, and the next collection finds it. An immortal one: nothing. */
    memset(obs, 0, sizeof obs);
    obs[0][0] = pair = hf_handle(w.me, new_node(&w, w.node, 1), 64, NULL, 0);
    obs[1][0] = new_ob(&w);
    hf_set_immortal(obs[1][0]);
    full(&w);
    in_threads(obs[0], obs[1]);
    full(&w); /* takes it out of the queue, before or after its own cycle */
    full(&w);
    CHECK(hf_next_dead(w.heap) == pair);
    CHECK(hf_next_dead(w.heap) == NULL);
    hf_decref(pair);
    CHECK(deallocs == 2 * MANY + 1);

    /* An attached thread may do it too, in native code as well. */
    hf_native_enter(w.me);
    hf_decref_detached(w.heap, obs[1][0]);
    hf_native_leave(w.me);

#if !defined(CHECKED_BUILD) /* which stops here: misuse_foreign_detached.c */
    /* An object that is not this heap's is left alone. */
    {
        static hf_pyobject foreign = {1, 0, NULL};
        hf_decref_detached(w.heap, &foreign);
        CHECK(strcmp(hf_last_error(), "hf_decref_detached: ob does not belong to this heap") == 0);
        hf_safepoint(w.me);
        CHECK(foreign.ob_refcnt == 1);
    }
#endif
    hf_decref_detached(NULL, obs[1][0]); /* says why, does nothing */
    CHECK(strstr(hf_last_error(), "hf_decref_detached") != NULL);

    /* What nobody takes out is dropped when the heap is freed: of two references one, and of one the last. */
    memset(obs, 0, sizeof obs);
    obs[0][0] = held = new_ob(&w);
    hf_incref(held);
    obs[0][1] = new_ob(&w);
    scope = hf_scope_open(w.me);
    root = hf_root(w.me, new_node(&w, w.node, 2));
    obs[1][0] = hf_handle(w.me, *root, 64, NULL, 0);
    hf_scope_close(w.me, scope);
    OK(hf_detach(w.me));
    in_threads(obs[0], obs[1]);
    CHECK(deallocs == 2 * MANY + 1);
    report.struct_size = sizeof report;
    OK(hf_heap_free(w.heap, &report));
    CHECK(deallocs == 2 * MANY + 3);
    CHECK(report.objects == 2); /* `held`, and the immortal one */
    hf_leak_report_free(&report);
    puts("ok");
    return 0;
}
