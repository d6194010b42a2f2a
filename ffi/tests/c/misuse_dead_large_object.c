/* A large object that died. */
#include "check.h"

int main(void) {
    world w;
    hf_object *p;
    open_world(&w, 0);
    p = hf_alloc_items(w.me, w.bytes, 100000);
    CHECK(p != NULL && hf_items(p) == 100000);
    minor(&w);
    (void)hf_items(p);
    puts("not stopped");
    return 0;
}
