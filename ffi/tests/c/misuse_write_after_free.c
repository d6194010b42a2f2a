/* Written to after it was freed: found when the memory is to be used again, or at the end. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    int i;
    open_world(&w, 0);
    ob = new_ob(&w);
    hf_decref(ob);
    ((char *)(ob + 1))[3] = 1;
    for (i = 0; i < 20000; i++)
        hf_decref(new_ob(&w));
    puts("not stopped");
    return 0;
}
