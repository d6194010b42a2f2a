/* A heap that was freed: freed again, or used, as the argument says. */
#include "check.h"

int main(int argc, char **argv) {
    world w;
    hf_mutator *me;
    (void)argv;
    open_world(&w, 0);
    close_world(&w);
    if (argc > 1)
        (void)hf_attach(w.heap, &me);
    else
        (void)hf_heap_free(w.heap, NULL);
    puts("not stopped");
    return 0;
}
