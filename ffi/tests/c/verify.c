/* hf_heap_verify: a heap in use passes, beside a native thread; a corrupt one is named, with a reason, and passes again
 * when it is mended. */
#include "check.h"

static unsigned char *flags_of(hf_object *p) { return (unsigned char *)p + 6; }

int main(void) {
    world w;
    open_world(&w, 0);
    size_t scope = hf_scope_open(w.me);
    hf_object **root = hf_root(w.me, new_node(&w, w.node, 1));
    hf_pyobject *ob = hf_handle(w.me, *root, sizeof(hf_pyobject), NULL, HF_LINK_LIGHT);
    CHECK(ob != NULL);
    OK(hf_heap_verify(w.heap));
    OK(hf_collect_full(w.me));
    OK(hf_heap_verify(w.heap));

    /* A young object whose header says that it is old: a bug of a runtime that writes past its objects. */
    hf_object **young = hf_root(w.me, new_node(&w, w.node, 2));
    unsigned char flags = *flags_of(*young);
    *flags_of(*young) = (unsigned char)(flags | 2);
    CHECK(hf_heap_verify(w.heap) == HF_ERR_CORRUPT);
    CHECK(strstr(hf_last_error(), "hf_heap_verify: the heap is corrupt: between cycles, at 0x") != NULL);
    CHECK(strstr(hf_last_error(), "header and side tables agree on who is old") != NULL);
    *flags_of(*young) = flags;
    OK(hf_heap_verify(w.heap));

    /* A count that C has taken away from the link. */
    __atomic_store_n(&ob->ob_refcnt, 0, __ATOMIC_RELAXED);
    CHECK(hf_heap_verify(w.heap) == HF_ERR_CORRUPT);
    CHECK(strstr(hf_last_error(), "a link owns a count") != NULL);
    __atomic_store_n(&ob->ob_refcnt, 2, __ATOMIC_RELAXED);
    OK(hf_heap_verify(w.heap));

#ifndef CHECKED_BUILD /* which stops at this */
    hf_native_enter(w.me);
    CHECK(hf_heap_verify(w.heap) != HF_OK);
    hf_native_leave(w.me);
#endif
    hf_decref(ob);
    hf_scope_close(w.me, scope);
    close_world(&w);
    puts("ok");
    return 0;
}
