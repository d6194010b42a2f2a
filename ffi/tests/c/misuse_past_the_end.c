/* Written to behind the last byte that was asked for. */
#include "check.h"

int main(void) {
    world w;
    hf_pyobject *ob;
    open_world(&w, 0);
    ob = hf_pyobject_new(w.me, 50, NULL);
    CHECK(ob != NULL);
    ((char *)ob)[50] = 1;
    hf_decref(ob);
    puts("not stopped");
    return 0;
}
