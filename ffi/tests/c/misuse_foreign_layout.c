/* A layout of another heap. */
#include "check.h"

int main(void) {
    world w, other;
    open_world(&w, 0);
    open_world(&other, 0);
    hf_alloc_layout(w.me, hf_type_layout(other.heap, other.node));
    puts("not stopped");
    return 0;
}
