/* C drops a reference that is not its own: the link's. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = hf_handle(w.me, *hf_root(w.me, new_node(&w, w.node, 1)), 64, NULL, 0);
    CHECK(hf_refcnt(ob) == 1);
    hf_decref(ob);
    hf_decref(ob);
    puts("not stopped");
    return 0;
}
