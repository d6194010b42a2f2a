/* The same, in memory that is not used again before the heap goes. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = new_ob(&w);
    hf_decref(ob);
    ob->ob_pypy_link = 8;
    close_world(&w);
    puts("not stopped");
    return 0;
}
