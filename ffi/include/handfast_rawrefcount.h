/*
 * PyPy's names (rpython/rlib/rawrefcount) for handfast's links. Opt-in: include it after, or instead of, handfast.h.
 *
 * What differs from PyPy: the mutator comes first; whether a link is light is a flag and not part of the count
 * (the flags of the two create functions may be left out); and a link owns exactly one count, so that REFCNT_FROM_PYPY is 1.
 * Who owns what, which thread may call and what may collect is said at the function that each name stands for.
 */
#ifndef HANDFAST_RAWREFCOUNT_H
#define HANDFAST_RAWREFCOUNT_H

#include "handfast.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a link adds to ob_refcnt. */
#define REFCNT_FROM_PYPY 1

/* rawrefcount_create_link_pypy(mutator, p, ob[, flags]): hf_link_gc_owned. */
#define rawrefcount_create_link_pypy(...) HF_RAWREFCOUNT_LINK(hf_link_gc_owned, __VA_ARGS__, 0, 0)
/* rawrefcount_create_link_pyobj(mutator, p, ob[, flags]): hf_link_c_owned. */
#define rawrefcount_create_link_pyobj(...) HF_RAWREFCOUNT_LINK(hf_link_c_owned, __VA_ARGS__, 0, 0)
/* Takes the flags, or the 0 that stands for them. */
#define HF_RAWREFCOUNT_LINK(link, mutator, p, ob, flags, ...) link((mutator), (p), (ob), (flags))

/* hf_from_obj */
static inline hf_pyobject *rawrefcount_from_obj(hf_mutator *mutator, hf_object *p) {
    return hf_from_obj(mutator, p);
}

/* hf_to_obj */
static inline hf_object *rawrefcount_to_obj(hf_mutator *mutator, hf_pyobject *ob) {
    return hf_to_obj(mutator, ob);
}

/* hf_next_dead */
static inline hf_pyobject *rawrefcount_next_dead(hf_heap *heap) {
    return hf_next_dead(heap);
}

#ifdef __cplusplus
}
#endif

#endif /* HANDFAST_RAWREFCOUNT_H */
