/* One decref too many of an object that nothing links: by then it is freed. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = new_ob(&w);
    hf_incref(ob);
    hf_decref(ob);
    hf_decref(ob);
    CHECK(w.deallocs == 1);
    hf_decref(ob);
    puts("not stopped");
    return 0;
}
