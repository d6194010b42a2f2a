/* An outer scope closes while an inner one is open. */
#include "check.h"

int main(void) {
    world w;
    size_t outer;
    open_world(&w, 0);
    outer = hf_scope_open(w.me);
    hf_root(w.me, NULL);
    (void)hf_scope_open(w.me);
    hf_scope_close(w.me, outer);
    puts("not stopped");
    return 0;
}
