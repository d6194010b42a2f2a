/* A reference to an object that has been freed. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = new_ob(&w);
    hf_decref(ob); /* the last: its dealloc frees it */
    CHECK(w.deallocs == 1);
    hf_incref(ob);
    puts("not stopped");
    return 0;
}
