/* Rule 8: hf_refcnt is never above what C holds; an immortal object never dies, whatever is done to its count. Adopted
 * memory follows the same rules and is never freed by the library. */
#include "check.h"

static hf_pyobject none = {1, 0, NULL};

static int handed_back;

static void hand_back(hf_pyobject *ob, void *arg) {
    world *w = (world *)arg;
    handed_back++;
    hf_pyobject_disown(w->me, ob);
    free(ob);
}

int main(void) {
    world w;
    size_t scope;
    hf_object **p;
    hf_pyobject *ob;
    intptr_t held;
    int i;
    open_world(&w, 0);
    scope = hf_scope_open(w.me);
    p = hf_root(w.me, new_node(&w, w.node, 51));

    /* Each hf_handle is one reference, each decref takes one. */
    ob = hf_handle(w.me, *p, 64, NULL, 0);
    CHECK(ob != NULL);
    for (held = 1; held < 1000; held++) {
        CHECK(hf_refcnt(ob) == held);
        CHECK(hf_handle(w.me, *p, 64, NULL, 0) == ob);
    }
    for (; held > 0; held--) {
        CHECK(hf_refcnt(ob) == held);
        hf_decref(ob);
    }
    CHECK(hf_refcnt(ob) == 0);
    CHECK(hf_from_obj(w.me, *p) == ob);
    CHECK(hf_refcnt(ob) == 0); /* borrowed */

    /* Immortal and linked. */
    hf_set_immortal(ob);
    for (i = 0; i < 1000; i++)
        hf_decref(ob);
    for (i = 0; i < 3000; i++)
        hf_incref(ob);
    for (i = 0; i < 3000; i++)
        (hf_decref)(ob);
    *p = NULL;
    minor(&w);
    full(&w);
    full(&w);
    CHECK(w.notices == 0);
    CHECK(hf_next_dead(w.heap) == NULL);
    CHECK(number(hf_to_obj(w.me, ob)) == 51);
    CHECK(hf_from_obj(w.me, hf_to_obj(w.me, ob)) == ob);

    /* Immortal, C-only. */
    ob = new_ob(&w);
    hf_set_immortal(ob);
    for (i = 0; i < 100; i++)
        hf_decref(ob);
    CHECK(w.deallocs == 0);

    /* A static struct: adopted, immortal, linked. */
    OK(hf_pyobject_adopt(w.me, &none, sizeof none));
    hf_set_immortal(&none);
    *p = new_node(&w, w.node, 52);
    held = hf_refcnt(&none);
    CHECK(held > 0);
    OK(hf_link_c_owned(w.me, *p, &none, 0));
    CHECK(hf_refcnt(&none) == held); /* the link's own count is no reference of C's, whichever came first */
    *p = NULL;
    full(&w);
    CHECK(number(hf_to_obj(w.me, &none)) == 52);
    hf_decref(&none);
    hf_decref(&none);
    CHECK(w.deallocs == 0);

    /* Memory of malloc: adopted, dies in C, and dies as a pair. */
    hf_set_dealloc(w.heap, hand_back, &w);
    for (i = 0; i < 2; i++) {
        ob = (hf_pyobject *)calloc(1, 48);
        CHECK(ob != NULL);
        ob->ob_refcnt = 1;
        OK(hf_pyobject_adopt(w.me, ob, 48));
        if (i == 1) {
            OK(hf_link_gc_owned(w.me, new_node(&w, w.node, 53), ob, 0));
            hf_decref(ob);
            full(&w);
            CHECK(handed_back == 1);
            CHECK(hf_next_dead(w.heap) == ob);
            CHECK(ob->ob_refcnt == 1);
        }
        hf_decref(ob);
        CHECK(handed_back == i + 1);
    }
    hf_scope_close(w.me, scope);
    OK(hf_heap_verify(w.heap));
    OK(hf_detach(w.me));
    OK(hf_heap_free(w.heap, NULL)); /* immortals do not keep a heap from being freed */
    puts("ok");
    return 0;
}
