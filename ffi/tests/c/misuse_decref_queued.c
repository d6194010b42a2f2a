/* The count of an object in the dead queue is the queue's. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = hf_handle(w.me, new_node(&w, w.node, 1), 64, NULL, 0);
    CHECK(ob != NULL);
    hf_decref(ob);
    full(&w);
    CHECK(ob->ob_refcnt == 1);
    hf_decref(ob);
    puts("not stopped");
    return 0;
}
