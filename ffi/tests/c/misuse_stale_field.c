/* A stale address as a source, through the exported function (the inline ones do not ask). */
#include "check.h"

int main(void) {
    world w;
    hf_object *p;
    open_world(&w, 0);
    p = new_node(&w, w.node, 1);
    minor(&w);
    (hf_store)(w.me, p, LEFT, NULL);
    puts("not stopped");
    return 0;
}
