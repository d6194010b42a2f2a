/* Freed twice. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = new_ob(&w);
    hf_pyobject_free(ob);
    hf_decref(new_ob(&w)); /* others come and go in between */
    hf_pyobject_free(ob);
    puts("not stopped");
    return 0;
}
