/* A mutator that was detached, whose heap is gone. */
#include "check.h"

int main(void) {
    world w;
    open_world(&w, 0);
    close_world(&w);
    hf_safepoint(w.me);
    puts("not stopped");
    return 0;
}
