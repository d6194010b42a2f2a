/* Somebody else counts a reference still. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = new_ob(&w);
    hf_incref(ob);
    hf_pyobject_free(ob);
    puts("not stopped");
    return 0;
}
