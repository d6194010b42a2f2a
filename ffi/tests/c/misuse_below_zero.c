/* A decref of an object whose count is zero: its dealloc has run and has kept the memory. */
#include "check.h"

static void keep(hf_pyobject *ob, void *arg) { *(hf_pyobject **)arg = ob; }

int main(void) {
    world w;
    hf_pyobject *kept = NULL;
    open_world(&w, 0);
    hf_set_dealloc(w.heap, keep, &kept);
    hf_decref(new_ob(&w));
    CHECK(kept != NULL && kept->ob_refcnt == 0);
    hf_decref(kept);
    puts("not stopped");
    return 0;
}
