/* A scope closes twice; another of the same height is open by then. */
#include "check.h"

int main(void) {
    world w;
    size_t scope;
    open_world(&w, 0);
    scope = hf_scope_open(w.me);
    hf_scope_close(w.me, scope);
    (void)hf_scope_open(w.me);
    hf_scope_close(w.me, scope);
    puts("not stopped");
    return 0;
}
