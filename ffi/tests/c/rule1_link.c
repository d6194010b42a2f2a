/* Rule 1: a link adds its own count and nothing else; look-ups answer both ways, wherever the object is; NULL when not
 * linked; a second link changes nothing. */
#include "check.h"

static void both_ways(world *w, hf_type type, uint32_t flags, bool c_owned) {
    size_t scope = hf_scope_open(w->me);
    hf_object **p = hf_root(w->me, new_node(w, type, 7));
    hf_object **q = hf_root(w->me, new_node(w, type, 8));
    hf_pyobject *ob = new_ob(w), *other = new_ob(w);
    uintptr_t identity = hf_identity(w->me, *p);
    int round;

    CHECK(hf_from_obj(w->me, *p) == NULL);
    CHECK(hf_to_obj(w->me, ob) == NULL);
    CHECK(hf_is_unique(ob));

    OK(c_owned ? hf_link_c_owned(w->me, *p, ob, flags) : hf_link_gc_owned(w->me, *p, ob, flags));
    CHECK(ob->ob_refcnt == 2);
    CHECK(hf_refcnt(ob) == 1);
    CHECK(ob->ob_pypy_link != 0);
    CHECK(!hf_is_unique(ob));

    for (round = 0; round < 4; round++) {
        CHECK(hf_from_obj(w->me, *p) == ob);
        CHECK(hf_to_obj(w->me, ob) == *p);
        CHECK(number(*p) == 7);
        CHECK(hf_identity(w->me, *p) == identity);
        CHECK(hf_from_obj(w->me, *q) == NULL);
        CHECK(hf_to_obj(w->me, other) == NULL);
        CHECK(hf_refcnt(ob) == 1);
        if (round == 1)
            full(w);
        else
            minor(w);
    }

    CHECK(hf_link_gc_owned(w->me, *p, other, flags) == HF_ERR_ALREADY_LINKED);
    CHECK(hf_link_c_owned(w->me, *p, other, flags) == HF_ERR_ALREADY_LINKED);
    CHECK(hf_link_gc_owned(w->me, *q, ob, flags) == HF_ERR_ALREADY_LINKED);
    CHECK(hf_link_c_owned(w->me, *q, ob, flags) == HF_ERR_ALREADY_LINKED);
    CHECK(hf_link_gc_owned(w->me, *p, ob, flags) == HF_ERR_ALREADY_LINKED);
    CHECK(ob->ob_refcnt == 2);
    CHECK(other->ob_refcnt == 1);
    CHECK(other->ob_pypy_link == 0);
    CHECK(hf_from_obj(w->me, *p) == ob);
    CHECK(hf_from_obj(w->me, *q) == NULL);
    CHECK(hf_handle(w->me, *p, sizeof(hf_pyobject), NULL, flags) == ob);
    CHECK(hf_refcnt(ob) == 2);

    hf_decref(ob);
    hf_decref(ob);
    CHECK(hf_refcnt(ob) == 0);
    hf_decref(other);
    hf_scope_close(w->me, scope);
    full(w);
    expect_dead(w, ob, flags);
}

int main(void) {
    world w;
    int way;
    open_world(&w, 0);
    for (way = 0; way < 8; way++)
        both_ways(&w, way & 1 ? w.node : w.slotless, way & 2 ? HF_LINK_LIGHT : 0, (way & 4) != 0);
    CHECK(w.deallocs == 8);
    close_world(&w);
    puts("ok");
    return 0;
}
