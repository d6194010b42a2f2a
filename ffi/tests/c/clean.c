/* What checked builds (feature `debug`) stop at, avoided by a hair: a correct program that comes close to each. */
#include "check.h"

static hf_pyobject *resurrected;

/* Gives the object away once, and frees it the second time. */
static void resurrect(hf_pyobject *ob, void *arg) {
    world *w = (world *)arg;
    w->deallocs++;
    if (resurrected == NULL) {
        hf_incref(ob);
        resurrected = ob;
    } else {
        hf_pyobject_free(ob);
    }
}

static void objects_that_move(world *w) {
    size_t scope = hf_scope_open(w->me), inner;
    hf_object **root = hf_root(w->me, new_node(w, w->node, 0)), *last;
    int i;
    for (i = 1; i < 100; i++) {
        inner = hf_scope_open(w->me);
        last = new_node(w, w->node, i);
        (hf_store)(w->me, last, LEFT, *root);
        *root = last;
        hf_root(w->me, last);
        if (i % 7 == 0)
            minor(w);
        else if (i % 13 == 0)
            full(w);
        CHECK(number(*root) == i);
        CHECK(hf_is_young(w->me, *root) == (i % 7 != 0 && i % 13 != 0));
        hf_scope_close(w->me, inner);
    }
    for (last = *root; last != NULL; last = (hf_load)(w->me, last, LEFT))
        CHECK((intptr_t)(((node *)(hf_payload)(last))->number) == --i);
    CHECK(i == 0);
    hf_scope_close(w->me, scope);
}

static void handles_that_die(world *w) {
    size_t size;
    hf_pyobject *ob;
    int i;
    for (i = 0; i < 30000; i++) { /* more than any quarantine holds */
        size = sizeof *ob + (size_t)i % 300;
        ob = hf_pyobject_new(w->me, size, w);
        CHECK(ob != NULL && ob->ob_refcnt == 1 && ob->ob_pypy_link == 0);
        CHECK(i % 300 == 0 || (((char *)(ob + 1))[0] == 0 && ((char *)ob)[size - 1] == 0));
        memset(ob + 1, 0xff, size - sizeof *ob); /* up to the end */
        hf_decref(ob);
    }
    ob = hf_pyobject_new(w->me, 10 << 20, NULL);
    CHECK(ob != NULL && ((char *)ob)[(10 << 20) - 1] == 0);
    hf_decref(ob);
    ob = hf_handle(w->me, new_node(w, w->node, 1), 64, NULL, 0);
    CHECK(ob != NULL);
    hf_decref(ob);
    full(w);
    hf_incref(ob); /* in the dead queue, as lxml does */
    hf_decref(ob);
    CHECK(hf_next_dead(w->heap) == ob);
    hf_pyobject_free(ob);
}

static void dealloc_that_resurrects(world *w) {
    hf_set_dealloc(w->heap, resurrect, w);
    w->deallocs = 0;
    hf_decref(new_ob(w));
    CHECK(w->deallocs == 1 && resurrected != NULL);
    CHECK(hf_refcnt(resurrected) == 1);
    hf_incref(resurrected);
    hf_decref(resurrected);
    hf_decref(resurrected);
    CHECK(w->deallocs == 2);
    hf_set_dealloc(w->heap, on_dealloc, w);
}

static void attach_again(world *w) {
    hf_root(w->me, new_node(w, w->node, 1)); /* outside of any scope: dropped with the mutator */
    OK(hf_detach(w->me));
    OK(hf_attach(w->heap, &w->me));
    hf_scope_close(w->me, hf_scope_open(w->me));
}

int main(void) {
    world w, other;
    open_world(&w, 0);
    open_world(&other, 1);
    objects_that_move(&w);
    handles_that_die(&other);
    dealloc_that_resurrects(&w);
    attach_again(&w);
    objects_that_move(&other);
    close_world(&other);
    close_world(&w);
    puts("ok");
    return 0;
}
