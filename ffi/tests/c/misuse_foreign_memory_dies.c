/* Counted, but not adopted: nobody knows how to free it. */
#include "check.h"

static hf_pyobject own = {1, 0, NULL};

int main(void) {
    world w;
    open_world(&w, 0);
    hf_decref(&own);
    puts("not stopped");
    return 0;
}
