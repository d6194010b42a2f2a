/* Global roots and weak references that were freed, or are none: what the argument says. */
#include "check.h"

int main(int argc, char **argv) {
    world w;
    hf_heap *other;
    hf_mutator *in_other;
    hf_global *global, *later;
    hf_weak *weak;
    const char *what = argc > 1 ? argv[1] : "";
    open_world(&w, 0);
    (void)hf_scope_open(w.me);
    OK(hf_global_new(w.me, *hf_root(w.me, new_node(&w, w.node, 1)), &global));
    OK(hf_weak_new(w.me, hf_global_get(w.me, global), &weak));
    OK(hf_heap_new(NULL, &other));
    OK(hf_attach(other, &in_other));
    if (strcmp(what, "global twice") == 0) {
        hf_global_free(w.me, global);
        OK(hf_global_new(w.me, NULL, &later)); /* does not get the same cell, which would be freed under it */
        hf_global_free(w.me, global);
    } else if (strcmp(what, "weak twice") == 0) {
        hf_weak_free(w.me, weak);
        hf_weak_free(w.me, weak);
    } else if (strcmp(what, "global get") == 0) {
        hf_global_free(w.me, global);
        (void)hf_global_get(w.me, global);
    } else if (strcmp(what, "global set") == 0) {
        hf_global_free(w.me, global);
        hf_global_set(w.me, global, NULL);
    } else if (strcmp(what, "weak get") == 0) {
        hf_weak_free(w.me, weak);
        (void)hf_weak_get(w.me, weak);
    } else if (strcmp(what, "foreign") == 0) {
        (void)hf_global_get(in_other, global);
    } else if (strcmp(what, "weak as global") == 0) {
        hf_global_set(w.me, (hf_global *)weak, NULL);
    }
    puts("not stopped");
    return 0;
}
