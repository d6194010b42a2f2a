/* The inlined crossings of a program that was not compiled for a checked library: of a stale object, and of a freed handle. */
#include "check.h"

int main(int argc, char **argv) {
    world w;
    hf_object *p, **root;
    hf_pyobject *ob;
    (void)argv;
    open_world(&w, 0);
    root = hf_root(w.me, new_node(&w, w.node, 1));
    p = *root;
    ob = hf_handle(w.me, p, 64, NULL, HF_LINK_LIGHT);
    CHECK(hf_from_obj(w.me, p) == ob && hf_to_obj(w.me, ob) == p);
    if (argc > 1) {
        hf_decref(ob);
        *root = NULL;
        minor(&w);
        (void)hf_to_obj(w.me, ob);
    } else {
        minor(&w);
        CHECK(*root != p);
        (void)hf_from_obj(w.me, p);
    }
    puts("not stopped");
    return 0;
}
