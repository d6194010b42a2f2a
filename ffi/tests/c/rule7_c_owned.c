/* Rule 7: a pair that C made lives by the same rule: both or none; when both die its handle is queued. */
#include "check.h"

int main(void) {
    world w;
    size_t scope;
    hf_object **p;
    hf_pyobject *ob;
    open_world(&w, 0);

    /* C lets go first: the object's root keeps the handle. */
    ob = new_ob(&w);
    scope = hf_scope_open(w.me);
    p = hf_root(w.me, new_node(&w, w.node, 41));
    OK(hf_link_c_owned(w.me, *p, ob, 0));
    hf_decref(ob);
    CHECK(hf_refcnt(ob) == 0);
    minor(&w);
    full(&w);
    CHECK(w.deallocs == 0);
    CHECK(hf_from_obj(w.me, *p) == ob);
    CHECK(hf_to_obj(w.me, ob) == *p);
    hf_scope_close(w.me, scope);
    full(&w);
    CHECK(w.notices == 1);
    expect_dead(&w, ob, 0);

    /* The object's root goes first: the count keeps the object. */
    ob = new_ob(&w);
    scope = hf_scope_open(w.me);
    p = hf_root(w.me, new_node(&w, w.slotless, 42));
    OK(hf_link_c_owned(w.me, *p, ob, 0));
    hf_scope_close(w.me, scope);
    minor(&w);
    full(&w);
    CHECK(number(hf_to_obj(w.me, ob)) == 42);
    hf_decref(ob);
    CHECK(w.deallocs == 0); /* linked: the link's count is left */
    full(&w);
    CHECK(w.notices == 2);
    expect_dead(&w, ob, 0);
    CHECK(w.deallocs == 0);
    close_world(&w);
    puts("ok");
    return 0;
}
