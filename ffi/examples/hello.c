/* The whole of handfast in one page: a heap, a thread, an object that moves, and its handle, which does not.
 *
 *   cc -std=c11 -Iffi/include ffi/examples/hello.c target/release/libhandfast.a -lpthread -ldl -lm -o hello && ./hello
 */
#include <stdio.h>
#include <stdlib.h>

#include "handfast.h"

/* The payload of our objects: one reference, one number. */
typedef struct point {
    hf_object *next; /* only hf_load and hf_store touch this */
    long x;
} point;

static void must(hf_status status, const char *what) {
    if (status != HF_OK) {
        fprintf(stderr, "%s: %s (%s)\n", what, hf_status_message(status), hf_last_error());
        exit(1);
    }
}

int main(void) {
    static const size_t references[] = {offsetof(point, next)};
    hf_heap *heap;
    hf_mutator *me;
    hf_type_info info;
    hf_type type;
    hf_object **root;
    hf_pyobject *ob;
    hf_leak_report report = {0};
    size_t scope;
    long seen;

    /* Is the library that runs the one that we were compiled for? */
    must(hf_abi_check(sizeof(hf_pyobject), HF_ABI), "hf_abi_check");
    printf("handfast %s\n", hf_version());

    must(hf_heap_new(NULL, &heap), "hf_heap_new");
    must(hf_attach(heap, &me), "hf_attach");

    hf_type_info_init(&info);
    info.name = "point";
    info.size = sizeof(point);
    info.ref_offsets = references;
    info.ref_offsets_len = 1;
    must(hf_type_new(heap, &info, &type), "hf_type_new");

    /* An object may move at every call that may collect. A root is a slot that follows it. */
    scope = hf_scope_open(me);
    root = hf_root(me, hf_alloc(me, type));
    if (root == NULL || *root == NULL) {
        fprintf(stderr, "hf_alloc: %s\n", hf_last_error());
        return 1;
    }
    ((point *)hf_payload(*root))->x = 42;
    must(hf_collect_minor(me), "hf_collect_minor");
    printf("after a minor collection x is %ld\n", ((point *)hf_payload(*root))->x);

    /* A handle is a stable address. It is a new reference: while we hold it, object and handle live, rooted or not. */
    ob = hf_handle(me, *root, sizeof(hf_pyobject), NULL, HF_LINK_LIGHT);
    if (ob == NULL) {
        fprintf(stderr, "hf_handle: %s\n", hf_last_error());
        return 1;
    }
    hf_scope_close(me, scope);
    must(hf_collect_full(me), "hf_collect_full");
    seen = ((point *)hf_payload(hf_to_obj(me, ob)))->x;
    printf("through its handle x is %ld, and C holds %ld reference\n", seen, (long)hf_refcnt(ob));
    hf_decref(ob);

    must(hf_detach(me), "hf_detach");
    must(hf_heap_free(heap, &report), "hf_heap_free");
    printf("C still holds %lu objects\n", (unsigned long)report.objects);
    return seen == 42 && report.objects == 0 ? 0 : 1;
}
