/* A linked object is the pair's: the collector ends it. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = hf_handle(w.me, *hf_root(w.me, new_node(&w, w.node, 1)), 64, NULL, 0);
    CHECK(ob != NULL);
    hf_pyobject_free(ob);
    puts("not stopped");
    return 0;
}
