/* PyPy's names. */
#include "handfast_rawrefcount.h"

#include "check.h"

int main(void) {
    world w;
    size_t scope;
    hf_object **p, **q;
    hf_pyobject *ob, *other;
    open_world(&w, 0);
    CHECK(rawrefcount_next_dead(NULL) == NULL);
    CHECK(rawrefcount_next_dead(w.heap) == NULL);
    scope = hf_scope_open(w.me);
    p = hf_root(w.me, new_node(&w, w.node, 1));
    q = hf_root(w.me, new_node(&w, w.node, 2));
    ob = new_ob(&w);
    other = new_ob(&w);
    OK(rawrefcount_create_link_pypy(w.me, *p, ob));
    CHECK(ob->ob_refcnt == 1 + REFCNT_FROM_PYPY);
    OK(rawrefcount_create_link_pyobj(w.me, *q, other, HF_LINK_LIGHT));
    CHECK(other->ob_refcnt == 1 + REFCNT_FROM_PYPY);
    CHECK(rawrefcount_from_obj(w.me, *p) == ob);
    CHECK(rawrefcount_to_obj(w.me, ob) == *p);
    CHECK(rawrefcount_from_obj(w.me, *q) == other);
    hf_decref(ob);
    hf_decref(other);
    hf_scope_close(w.me, scope);
    full(&w);
    CHECK(rawrefcount_next_dead(w.heap) == ob);
    CHECK(rawrefcount_next_dead(w.heap) == NULL);
    hf_pyobject_free(ob);
    close_world(&w);
    puts("ok");
    return 0;
}
