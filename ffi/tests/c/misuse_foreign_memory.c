/* Memory of the program's own that was not adopted. */
#include "check.h"

static hf_pyobject own = {1, 0, NULL};

int main(void) {
    world w;
    open_world(&w, 0);
    (void)hf_link_c_owned(w.me, new_node(&w, w.node, 1), &own, 0);
    puts("not stopped");
    return 0;
}
