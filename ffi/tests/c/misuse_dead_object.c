/* An old object that nobody referred to when a cycle looked; its neighbour is alive, so the memory is not free. */
#include "check.h"

int main(void) {
    world w;
    hf_object **kept, *p;
    size_t scope;
    open_world(&w, 0);
    kept = hf_root(w.me, new_node(&w, w.node, 1));
    scope = hf_scope_open(w.me);
    hf_root(w.me, new_node(&w, w.node, 2));
    minor(&w);
    p = kept[1];
    CHECK(number(p) == 2);
    hf_scope_close(w.me, scope);
    full(&w);
    CHECK(number(*kept) == 1);
    hf_root(w.me, p);
    puts("not stopped");
    return 0;
}
