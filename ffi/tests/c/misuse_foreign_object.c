/* An object of another heap. */
#include "check.h"

int main(void) {
    world w, other;
    open_world(&w, 0);
    open_world(&other, 0);
    hf_root(w.me, new_node(&other, other.node, 1));
    puts("not stopped");
    return 0;
}
