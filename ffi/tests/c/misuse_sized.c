/* An object of another size than its type's. */
#include "check.h"

int main(void) {
    world w;
    open_world(&w, 0);
    hf_alloc_sized(w.me, hf_type_layout(w.heap, w.node), 1000);
    puts("not stopped");
    return 0;
}
