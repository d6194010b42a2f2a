/* A PyObject of another heap. */
#include "check.h"

int main(void) {
    world w, other;
    open_world(&w, 0);
    open_world(&other, 0);
    (void)hf_to_obj(w.me, new_ob(&other));
    puts("not stopped");
    return 0;
}
