/* The address of something inside of a PyObject. */
#include "check.h"

int main(void) {
    world w;
    open_world(&w, 0);
    (hf_incref)(new_ob(&w) + 1);
    puts("not stopped");
    return 0;
}
