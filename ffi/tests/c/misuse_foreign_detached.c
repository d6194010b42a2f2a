/* A reference to memory that no heap knows, dropped as a detached thread drops it. */
#include "check.h"

int main(void) {
    static hf_pyobject foreign = {1, 0, NULL};
    world w;
    open_world(&w, 0);
    hf_decref_detached(w.heap, &foreign);
    puts("not stopped");
    return 0;
}
