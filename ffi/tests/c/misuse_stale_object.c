/* A young object has moved; its old address is stale, also when the nursery is in use again. */
#include "check.h"

int main(int argc, char **argv) {
    world w;
    hf_object *p, **root;
    (void)argv;
    open_world(&w, 0);
    p = new_node(&w, w.node, 1);
    root = hf_root(w.me, p);
    minor(&w);
    CHECK(*root != p && number(*root) == 1);
    if (argc > 1)
        new_node(&w, w.node, 2);
    CHECK(hf_handle(w.me, *root, 64, NULL, 0) != NULL);
    (void)hf_handle(w.me, p, 64, NULL, 0);
    puts("not stopped");
    return 0;
}
