/* The leak report tells apart what was made immortal, with a link or without. A program that was compiled when the report
 * ended with `by_type_len` gets what its struct has room for, and frees it. */
#include "check.h"

static void immortals(bool of_an_older_program) {
    static hf_pyobject type = {2, 0, NULL};
    world w;
    hf_leak_report report;
    hf_pyobject *linked;
    open_world(&w, 0);
    OK(hf_pyobject_adopt(w.me, &type, sizeof type));
    hf_set_immortal(&type);
    linked = hf_handle(w.me, new_node(&w, w.node, 1), 64, NULL, HF_LINK_LIGHT);
    hf_incref(linked);
    hf_incref(linked);
    hf_set_immortal(linked);
    CHECK(hf_pyobject_new(w.me, 64, NULL) != NULL);
    OK(hf_detach(w.me));
    memset(&report, 0xff, sizeof report);
    report.struct_size = of_an_older_program ? offsetof(hf_leak_report, immortal_objects) : sizeof report;
    OK(hf_heap_free(w.heap, &report));
    CHECK(report.objects == 3);
    CHECK(report.references == 2 + 3 + 1);
    CHECK(report.by_type != NULL);
    CHECK(report.by_type_len == 1);
    CHECK(report.immortal_objects == (of_an_older_program ? UINT64_MAX : 2));
    CHECK(report.immortal_references == (of_an_older_program ? UINT64_MAX : 5));
    hf_leak_report_free(&report);
    CHECK(report.by_type == NULL);
    CHECK(report.by_type_len == 0);
    CHECK(report.immortal_objects == (of_an_older_program ? UINT64_MAX : 2));
    type.ob_refcnt = 2;
}

int main(void) {
    immortals(false);
    immortals(true);
    puts("ok");
    return 0;
}
