/* Memory of the embedder's own: which memory is refused, what a link does to it, and who hands it back. */
#include "check.h"

enum { ODD_COUNTS = 5 };

static world w, other;

/* Another heap's memory, or memory that another heap has adopted, is refused and loses nothing. */
static void foreign_memory(void) {
    static hf_pyobject fixed = {1, 0, NULL};
    hf_pyobject *ob = hf_handle(other.me, new_node(&other, other.node, 5), sizeof(hf_pyobject), NULL, 0);
    CHECK(ob != NULL);
    CHECK(hf_pyobject_adopt(w.me, ob, sizeof *ob) == HF_ERR_INVALID_ARGUMENT);
    full(&other);
    CHECK(number(hf_to_obj(other.me, ob)) == 5);
#if !defined(CHECKED_BUILD) /* which stops here: misuse_foreign_handle.c */
    CHECK(hf_to_obj(w.me, ob) == NULL || hf_to_obj(other.me, ob) != NULL);
#endif
    hf_decref(ob);
    full(&other);
    CHECK(hf_next_dead(other.heap) == ob);
    hf_pyobject_free(ob);

    OK(hf_pyobject_adopt(other.me, &fixed, sizeof fixed));
    OK(hf_link_c_owned(other.me, new_node(&other, other.node, 6), &fixed, 0));
    CHECK(hf_pyobject_adopt(w.me, &fixed, sizeof fixed) == HF_ERR_INVALID_ARGUMENT);
    CHECK(hf_pyobject_adopt(other.me, &fixed, sizeof fixed) == HF_ERR_INVALID_ARGUMENT);
#if !defined(CHECKED_BUILD) /* as above */
    CHECK(hf_link_c_owned(w.me, new_node(&w, w.node, 1), &fixed, 0) == HF_ERR_INVALID_ARGUMENT);
#endif
    hf_pyobject_disown(other.me, &fixed); /* linked: refused */
    CHECK(strcmp(hf_last_error(), "hf_pyobject_disown: still linked") == 0);
    full(&other);
    CHECK(number(hf_to_obj(other.me, &fixed)) == 6);
    hf_decref(&fixed);
    full(&other);
    CHECK(hf_next_dead(other.heap) == &fixed);
    hf_pyobject_disown(other.me, &fixed);
#if !defined(CHECKED_BUILD) /* which stops here: misuse_foreign_memory.c */
    CHECK(hf_link_c_owned(other.me, new_node(&other, other.node, 7), &fixed, 0) == HF_ERR_INVALID_ARGUMENT);
#endif
    OK(hf_pyobject_adopt(w.me, &fixed, sizeof fixed)); /* free for anyone now */
    hf_pyobject_disown(w.me, &fixed);
}

/* Whatever the count was: it is adopted as at least 1, and a link keeps its object as long as C holds it. */
static void odd_counts(void) {
    static hf_pyobject obs[ODD_COUNTS] = {
        {(intptr_t)1 << 58, 0, NULL}, {-7, 0, NULL}, {INTPTR_MIN, 0, NULL}, {0, 0, NULL}, {-((intptr_t)1 << 60), 0, NULL}};
    int i;
    for (i = 0; i < ODD_COUNTS; i++) {
        OK(hf_pyobject_adopt(w.me, &obs[i], sizeof obs[i]));
        CHECK(hf_refcnt(&obs[i]) >= 1);
        hf_incref(&obs[i]);
        hf_decref(&obs[i]);
        CHECK(hf_refcnt(&obs[i]) >= 1);
        OK(hf_link_c_owned(w.me, new_node(&w, w.node, i), &obs[i], 0));
    }
    full(&w);
    for (i = 0; i < ODD_COUNTS; i++) {
        hf_object *p = hf_to_obj(w.me, &obs[i]);
        CHECK(p != NULL && number(p) == i);
        CHECK(hf_from_obj(w.me, p) == &obs[i]);
        while (hf_refcnt(&obs[i]) > 0 && i != 0)
            hf_decref(&obs[i]);
    }
    full(&w);
    for (i = 1; i < ODD_COUNTS; i++) {
        hf_pyobject *ob = hf_next_dead(w.heap);
        CHECK(ob > &obs[0] && ob < &obs[ODD_COUNTS]);
        CHECK(ob->ob_refcnt == 1 && ob->ob_pypy_link == 0);
        hf_pyobject_disown(w.me, ob);
    }
    CHECK(hf_next_dead(w.heap) == NULL);
    CHECK(number(hf_to_obj(w.me, &obs[0])) == 0);
    hf_set_immortal(&obs[0]);
}

/* A light link to memory that is not the library's: it cannot be freed, so it is handed back. An immortal one stays. */
static void light(void) {
    static hf_pyobject mortal = {1, 0, NULL}, immortal = {1, 0, NULL};
    int i;
    OK(hf_pyobject_adopt(w.me, &mortal, sizeof mortal));
    OK(hf_pyobject_adopt(w.me, &immortal, sizeof immortal));
    hf_set_immortal(&immortal);
    OK(hf_link_c_owned(w.me, new_node(&w, w.node, 5), &mortal, HF_LINK_LIGHT));
    OK(hf_link_gc_owned(w.me, new_node(&w, w.slotless, 6), &immortal, HF_LINK_LIGHT));
    for (i = 0; i < 100; i++)
        hf_decref(&immortal);
    full(&w);
    CHECK(number(hf_to_obj(w.me, &mortal)) == 5);
    hf_decref(&mortal);
    full(&w);
    CHECK(hf_next_dead(w.heap) == &mortal);
    hf_pyobject_disown(w.me, &mortal);
    CHECK(hf_next_dead(w.heap) == NULL);
    CHECK(number(hf_to_obj(w.me, &immortal)) == 6);
    CHECK(hf_from_obj(w.me, hf_to_obj(w.me, &immortal)) == &immortal);
}

int main(void) {
    open_world(&w, 0);
    open_world(&other, 1);
    foreign_memory();
    odd_counts();
    light();
    CHECK(w.deallocs == 0 && other.deallocs == 0);
    close_world(&other);
    OK(hf_detach(w.me));
    OK(hf_heap_free(w.heap, NULL));
    puts("ok");
    return 0;
}
