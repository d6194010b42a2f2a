/* A call that touches objects, in native state. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = new_ob(&w);
    hf_native_enter(w.me);
    hf_incref(ob); /* counts may change */
    hf_decref(ob);
    (void)hf_to_obj(w.me, ob);
    puts("not stopped");
    return 0;
}
