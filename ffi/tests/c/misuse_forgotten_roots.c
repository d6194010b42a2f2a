/* A thread leaves with a scope open. */
#include "check.h"

int main(void) {
    world w;
    open_world(&w, 0);
    (void)hf_scope_open(w.me);
    hf_root(w.me, new_node(&w, w.node, 1));
    (void)hf_detach(w.me);
    puts("not stopped");
    return 0;
}
