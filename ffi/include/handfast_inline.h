/*
 * The part of handfast.h that C inlines. It is included by handfast.h, at its end; do not include it alone.
 *
 * Each function here is the common case of an exported function. A function-like macro of the exported name leads to
 * it; (hf_load)(m, p, 0), &hf_load, and everything compiled with HF_NO_INLINE use the exported function. Whatever is not the
 * common case (NULL, a field outside of the object, a slow store, a count of zero) is left to the exported function,
 * which also says why in hf_last_error(). Allocation is left to it now and then, too: it zeroes memory for the next objects, or
 * serves what other threads have asked for. The one check that only the exported functions make is that of the thread.
 * With a checked library (feature `debug`) every allocation and every crossing between C and the heap goes to the exported
 * function, whatever the program was compiled with; loads, stores and counts that seem right do not, without HF_NO_INLINE.
 * HF_UNCHECKED removes the inline checks of arguments, for programs that are known to be right.
 * HF_COUNTS_LOCKED makes the inlined counts plain loads and stores, a seventh of the time, for a runtime with a lock of its
 * own around its extensions (a GIL). Of every handle that such code counts, all counting must be under that one lock:
 * hf_incref, hf_decref, hf_handle, hf_link_*, hf_set_immortal, on all threads, however compiled; and if references are
 * dropped with hf_decref_detached, every call that may collect. The collector only reads counts, and needs no lock.
 *
 * Orderings. A load is an acquire: it pairs with the release in the slow path of a store to a public object, so that
 * whoever finds an object sees its fields. A fast store is relaxed: its object is private, nobody else looks. incref is
 * relaxed: whoever increments holds or borrows a reference already. decref is a release: what this thread did with the
 * object is ordered before whoever frees it, which acquires.
 */
#ifndef HANDFAST_INLINE_H
#define HANDFAST_INLINE_H

#ifndef HANDFAST_H
#error "include handfast.h, not handfast_inline.h"
#endif

#include <string.h>

#ifdef __cplusplus
#define HF_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define HF_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* ---- Layouts that this file shares with the library: ffi/src/ctypes.rs checks them on its side. A change is a new HF_ABI. ---- */

/* What the mutator knows of a type once it has allocated an object of it. */
typedef struct hf_known_type {
    const hf_layout *layout;
    size_t bytes; /* its fast_bytes; too much for any nursery while it is not known, so the library is asked */
} hf_known_type;

#define HF_KNOWN_TYPES 256
#define HF_SMALL 32 /* objects of so many bytes, header included, are zeroed inline by hf_alloc */

/* How an hf_mutator begins. */
typedef struct hf_mutator_head {
    uintptr_t cursor;     /* where the next object goes */
    uintptr_t limit;      /* the end of the free part; 0 while somebody wants this thread's attention */
    uint8_t barrier_mask; /* flags of a source that send a store to the slow path */
    uint32_t handshake;   /* 0 while nothing is asked of this thread */
    uintptr_t zeroed;     /* from the cursor to here all is zero; the library zeroes ahead, 2 KiB at a time */
    hf_known_type known[HF_KNOWN_TYPES]; /* the first types, by number */
} hf_mutator_head;

/* How the description begins that the low 48 bits of an object's header point at. */
typedef struct hf_type_head {
    size_t fast_bytes; /* what the inline allocation takes, header included; too much for any nursery if it may not */
    size_t size;       /* the fixed part of the payload, a multiple of 8 */
    size_t item_size;  /* 0: no items; else the number of items is in the word before the header */
    size_t handle_slot; /* where in the payload the handle is, or HF_NO_SLOT */
} hf_type_head;

#define HF_HEADER_BYTES 8
#define HF_SIZED_BYTES 4096 /* hf_alloc_sized: the largest payload that is zeroed inline */
#define HF_HEADER_FLAGS 6 /* the byte of the header with the flags that barrier_mask is about */
#define HF_HEADER_TYPE ((UINT64_C(1) << 48) - 1)
#define HF_IMMORTAL ((uintptr_t)1 << HF_IMMORTAL_BIT)
#define HF_LINK_PRIVATE ((uintptr_t)1 << 63) /* only the thread that owns the handle's page may cross at once */
#define HF_LINK_ADDRESS (((uintptr_t)1 << 48) - 8)
#define HF_BARRIER_IDLE 5      /* barrier_mask while no cycle runs: a crossing has nothing to shade */
#define HF_BARRIER_CHECKED 128 /* in barrier_mask: a checked library, which wants to see each crossing; never HF_BARRIER_IDLE */
#define HF_PAGE_BYTES 0x10000  /* of the pages that handles with private links are in */
#define HF_PAGE_OWNER 8        /* where such a page has the address of its hf_mutator */

HF_STATIC_ASSERT(sizeof(void *) == 8, "handfast needs 64-bit addresses");
HF_STATIC_ASSERT(sizeof(hf_pyobject) == 24, "hf_pyobject is three words");
HF_STATIC_ASSERT(offsetof(hf_pyobject, ob_refcnt) == 0, "the count comes first");
HF_STATIC_ASSERT(offsetof(hf_pyobject, ob_pypy_link) == 8, "then the link");
HF_STATIC_ASSERT(offsetof(hf_pyobject, ob_type) == 16, "then the type");
HF_STATIC_ASSERT(offsetof(hf_mutator_head, limit) == 8, "cursor, limit");
HF_STATIC_ASSERT(offsetof(hf_mutator_head, barrier_mask) == 16, "then the mask");
HF_STATIC_ASSERT(offsetof(hf_mutator_head, zeroed) == 24, "then the handshake word, then the end of what is zeroed");
HF_STATIC_ASSERT(offsetof(hf_mutator_head, known) == 32, "then the types");
HF_STATIC_ASSERT(offsetof(hf_known_type, bytes) == 8 && sizeof(hf_known_type) == 16, "layout, bytes");
HF_STATIC_ASSERT(offsetof(hf_type_head, size) == 8, "fast_bytes, size");
HF_STATIC_ASSERT(offsetof(hf_type_head, item_size) == 16, "then item_size");
HF_STATIC_ASSERT(offsetof(hf_type_head, handle_slot) == 24, "then handle_slot");

#define HF_LIKELY(condition) __builtin_expect(!!(condition), 1)
/* Short, but compilers count the branches: a program with many allocations would get a call at each. */
#define HF_ALWAYS_INLINE static inline __attribute__((always_inline))

/* ---- Structs that grow: the program's own size, whatever the library's is. ---- */

#define hf_config_init(config) hf_config_init_sized((config), sizeof(hf_config))
#define hf_type_info_init(info) hf_type_info_init_sized((info), sizeof(hf_type_info))

/* The header of a new object: its layout, no flag, no mark. */
HF_ALWAYS_INLINE hf_object *hf_inline_begin(uintptr_t start, const hf_layout *layout) {
    __atomic_store_n((uint64_t *)start, (uint64_t)(uintptr_t)layout, __ATOMIC_RELAXED);
    return (hf_object *)start;
}

#ifndef HF_NO_INLINE

/* ---- Counts ---- */

/* A count that is neither immortal (nor about to become so, which half the bit's value is) nor, because something is
 * wrong, zero or negative. */
static inline bool hf_inline_is_ordinary(intptr_t count) {
    return (uintptr_t)count - 1 < HF_IMMORTAL / 2 - 2;
}

/* One more, or less, of a count that was read just now; the answer is what was there. */
#ifdef HF_COUNTS_LOCKED
static inline intptr_t hf_inline_up(hf_pyobject *ob, intptr_t count) {
    __atomic_store_n(&ob->ob_refcnt, count + 1, __ATOMIC_RELAXED);
    return count;
}
/* The release is for the collector, which does not take the lock; for others the lock orders. */
static inline intptr_t hf_inline_down(hf_pyobject *ob, intptr_t count) {
    __atomic_store_n(&ob->ob_refcnt, count - 1, __ATOMIC_RELEASE);
    return count;
}
static inline intptr_t hf_inline_drop_last(hf_pyobject *ob) {
    return hf_inline_down(ob, 1);
}
#else
static inline intptr_t hf_inline_up(hf_pyobject *ob, intptr_t count) {
    (void)count;
    return __atomic_fetch_add(&ob->ob_refcnt, 1, __ATOMIC_RELAXED);
}
static inline intptr_t hf_inline_down(hf_pyobject *ob, intptr_t count) {
    (void)count;
    return __atomic_fetch_sub(&ob->ob_refcnt, 1, __ATOMIC_RELEASE);
}
/* The only reference of a handle that is not linked is the caller's: nobody else may touch the count then, and a plain store
 * will do. The acquire is for what others did with the handle before they dropped theirs. */
static inline intptr_t hf_inline_drop_last(hf_pyobject *ob) {
    if (HF_LIKELY(__atomic_load_n(&ob->ob_pypy_link, __ATOMIC_RELAXED) == 0) &&
        HF_LIKELY(__atomic_load_n(&ob->ob_refcnt, __ATOMIC_ACQUIRE) == 1)) {
        __atomic_store_n(&ob->ob_refcnt, 0, __ATOMIC_RELAXED);
        return 1;
    }
    return hf_inline_down(ob, 1);
}
#endif

static inline void hf_inline_incref(hf_pyobject *ob) {
    intptr_t count;
    if (ob == NULL)
        return;
    count = __atomic_load_n(&ob->ob_refcnt, __ATOMIC_RELAXED);
    if (HF_LIKELY(hf_inline_is_ordinary(count)))
        (void)hf_inline_up(ob, count);
    else if (((uintptr_t)count & HF_IMMORTAL) == 0)
        hf_incref(ob);
}

static inline void hf_inline_decref(hf_pyobject *ob) {
    intptr_t count;
    if (ob == NULL)
        return;
    count = __atomic_load_n(&ob->ob_refcnt, __ATOMIC_RELAXED);
    if (HF_LIKELY((uintptr_t)count - 2 < HF_IMMORTAL / 2 - 3)) {
        if (hf_inline_down(ob, count) <= 1)
            hf_decref_zero(ob);
    } else if (count == 1) {
        if (hf_inline_drop_last(ob) <= 1)
            hf_decref_zero(ob);
    } else if (((uintptr_t)count & HF_IMMORTAL) == 0) {
        hf_decref(ob);
    }
}

#define hf_incref(ob) hf_inline_incref(ob)
#define hf_decref(ob) hf_inline_decref(ob)

/* ---- Objects ---- */

static inline void *hf_inline_payload(hf_object *object) {
    return object == NULL ? NULL : (void *)((char *)(void *)object + HF_HEADER_BYTES);
}

static inline const hf_type_head *hf_inline_type(const hf_object *object) {
    uint64_t header = __atomic_load_n((const uint64_t *)(const void *)object, __ATOMIC_RELAXED);
    return (const hf_type_head *)(uintptr_t)(header & HF_HEADER_TYPE);
}

/* Whether there is a whole word of the object at this offset of its payload. */
static inline bool hf_inline_has_field(const hf_object *object, size_t offset) {
    const hf_type_head *type = hf_inline_type(object);
    size_t bytes;
    if ((offset & 7) != 0)
        return false;
    if (HF_LIKELY(offset < type->size))
        return true;
    if (type->item_size == 0)
        return false;
    bytes = ((const size_t *)(const void *)object)[-1] * type->item_size;
    return bytes >= 8 && offset - type->size <= bytes - 8;
}

#ifdef HF_UNCHECKED
#define HF_INLINE_FIELD_OK(mutator, source, offset) true
#else
#define HF_INLINE_FIELD_OK(mutator, source, offset) \
    ((mutator) != NULL && (source) != NULL && hf_inline_has_field((source), (offset)))
#endif

static inline hf_object **hf_inline_slot(hf_object *source, size_t offset) {
    return (hf_object **)(void *)((char *)(void *)source + HF_HEADER_BYTES + offset);
}

static inline hf_object *hf_inline_load(hf_mutator *mutator, hf_object *source, size_t offset) {
    (void)mutator;
    if (HF_LIKELY(HF_INLINE_FIELD_OK(mutator, source, offset)))
        return __atomic_load_n(hf_inline_slot(source, offset), __ATOMIC_ACQUIRE);
    return hf_load(mutator, source, offset);
}

static inline void hf_inline_store(hf_mutator *mutator, hf_object *source, size_t offset, hf_object *value_or_null) {
    if (HF_LIKELY(HF_INLINE_FIELD_OK(mutator, source, offset))) {
        const uint8_t *flags = (const uint8_t *)(const void *)source + HF_HEADER_FLAGS;
        const uint8_t *mask = &((const hf_mutator_head *)(const void *)mutator)->barrier_mask;
        if (HF_LIKELY((__atomic_load_n(flags, __ATOMIC_RELAXED) & __atomic_load_n(mask, __ATOMIC_RELAXED)) == 0)) {
            __atomic_store_n(hf_inline_slot(source, offset), value_or_null, __ATOMIC_RELAXED);
            return;
        }
        hf_store_barrier(mutator, source, offset, value_or_null);
        return;
    }
    hf_store(mutator, source, offset, value_or_null);
}

/* ---- Handles ---- */

/* Whether this thread may follow a link at once: it is public, or private to this very thread. */
static inline bool hf_inline_may_cross(hf_mutator *mutator, hf_pyobject *ob, uintptr_t link) {
    uintptr_t page = (uintptr_t)(void *)ob & ~(uintptr_t)(HF_PAGE_BYTES - 1);
    if ((link & HF_LINK_PRIVATE) == 0)
        return true;
    return __atomic_load_n((hf_mutator **)(page + HF_PAGE_OWNER), __ATOMIC_RELAXED) == mutator;
}

/* The acquire pairs with the publication of the object. An object that is not linked has a link of 0. */
static inline hf_object *hf_inline_to_obj(hf_mutator *mutator, hf_pyobject *ob) {
    if (HF_LIKELY(mutator != NULL && ob != NULL && ((uintptr_t)(void *)ob & 7) == 0)) {
        uintptr_t link = __atomic_load_n(&ob->ob_pypy_link, __ATOMIC_ACQUIRE);
        const uint8_t *mask = &((const hf_mutator_head *)(const void *)mutator)->barrier_mask;
        if (HF_LIKELY(__atomic_load_n(mask, __ATOMIC_RELAXED) == HF_BARRIER_IDLE && hf_inline_may_cross(mutator, ob, link)))
            return (hf_object *)(link & HF_LINK_ADDRESS);
    }
    return hf_to_obj(mutator, ob);
}

/* Whether the library looks at arguments that seem right, too (feature `debug`): then nothing is followed here. */
static inline bool hf_inline_is_checked(hf_mutator *mutator) {
    const uint8_t *mask = &((const hf_mutator_head *)(const void *)mutator)->barrier_mask;
    return (__atomic_load_n(mask, __ATOMIC_RELAXED) & HF_BARRIER_CHECKED) != 0;
}

/* The acquire pairs with the release of the thread that linked. */
static inline hf_pyobject *hf_inline_from_obj(hf_mutator *mutator, hf_object *object) {
    if (HF_LIKELY(mutator != NULL && object != NULL && !hf_inline_is_checked(mutator))) {
        size_t slot = hf_inline_type(object)->handle_slot;
        if (HF_LIKELY(slot != HF_NO_SLOT))
            return (hf_pyobject *)(void *)__atomic_load_n(hf_inline_slot(object, slot), __ATOMIC_ACQUIRE);
    }
    return hf_from_obj(mutator, object);
}

/* An object that has a handle. With a handle slot it is found there; the object, and with it the handle, is the caller's. */
static inline hf_pyobject *hf_inline_handle(hf_mutator *mutator, hf_object *object, size_t size, void *ob_type, uint32_t flags) {
    if (HF_LIKELY(mutator != NULL && object != NULL && flags <= HF_LINK_LIGHT && !hf_inline_is_checked(mutator))) {
        size_t slot = hf_inline_type(object)->handle_slot;
        if (slot != HF_NO_SLOT) {
            hf_pyobject *ob = (hf_pyobject *)(void *)__atomic_load_n(hf_inline_slot(object, slot), __ATOMIC_ACQUIRE);
            if (ob != NULL) {
                hf_inline_incref(ob);
                return ob;
            }
        }
    }
    return hf_handle(mutator, object, size, ob_type, flags);
}

/* Where all up to `zeroed` is used, the library zeroes more, if there is room and nobody has asked for anything. */
HF_ALWAYS_INLINE hf_object *hf_inline_alloc_layout(hf_mutator *mutator, const hf_layout *layout) {
    if (HF_LIKELY(mutator != NULL && layout != NULL)) {
        hf_mutator_head *head = (hf_mutator_head *)(void *)mutator;
        uintptr_t start = head->cursor;
        uintptr_t end = start + ((const hf_type_head *)(const void *)layout)->fast_bytes;
        if (HF_LIKELY(end <= head->zeroed)) {
            head->cursor = end;
            return hf_inline_begin(start, layout);
        }
    }
    return hf_alloc_layout(mutator, layout);
}

/* Zeroes an object's payload, whose size the compiler knows; piece by piece where it is small, since compilers leave out a
 * piece that is written again at once, but keep all of a long one. */
HF_ALWAYS_INLINE void hf_inline_zero(hf_object *object, size_t bytes) {
    char *at = (char *)(void *)object + HF_HEADER_BYTES;
    size_t odd = bytes & 8;
    if (bytes <= 72) {
        if (odd != 0)
            memset(at, 0, 8);
        if (bytes >= 16)
            memset(at + odd, 0, 16);
        if (bytes >= 32)
            memset(at + odd + 16, 0, 16);
        if (bytes >= 48)
            memset(at + odd + 32, 0, 16);
        if (bytes >= 64)
            memset(at + odd + 48, 0, 16);
    } else {
        memset(at, 0, bytes);
    }
}

/* A size that the compiler knows: the end of the block is looked at, not that of what is zeroed ahead, and the payload is
 * zeroed here. That comes after both ways have met, the library's too, so that the compiler sees one place where it is zeroed
 * and one where the program writes it, and leaves out of the first what the second does. The size is compared with the
 * layout's, which takes no time: nothing waits for it. */
HF_ALWAYS_INLINE hf_object *hf_inline_alloc_sized(hf_mutator *mutator, const hf_layout *layout, size_t size) {
    hf_object *object = NULL;
    size_t bytes = (size + 7) & ~(size_t)7;
    if (HF_LIKELY(mutator != NULL && layout != NULL && size <= HF_SIZED_BYTES)) {
        hf_mutator_head *head = (hf_mutator_head *)(void *)mutator;
        uintptr_t start = head->cursor;
        uintptr_t end = start + bytes + HF_HEADER_BYTES;
        if (HF_LIKELY(end <= __atomic_load_n(&head->limit, __ATOMIC_RELAXED)) &&
            HF_LIKELY(bytes + HF_HEADER_BYTES == ((const hf_type_head *)(const void *)layout)->fast_bytes)) {
            head->cursor = end;
            object = hf_inline_begin(start, layout);
            if (object == NULL)
                __builtin_unreachable(); /* no block begins there: whether it is NULL need not be asked of these */
        }
    }
    if (object == NULL) {
        object = hf_alloc_sized(mutator, layout, size);
        if (object == NULL || size > HF_SIZED_BYTES)
            return object;
    }
    hf_inline_zero(object, bytes);
    return object;
}

/* Two words that are written by one store. */
typedef uintptr_t hf_inline_pair __attribute__((vector_size(16), aligned(8), may_alias));

/* As hf_inline_begin, and zeroes a small object, whichever: as if it were the largest of these. The header and the first word are
 * one store, since the program mostly writes that word next, and no compiler sees that it could be left out: what the library
 * makes is zero already. It need not be atomic: nobody else knows the object. */
HF_ALWAYS_INLINE hf_object *hf_inline_begin_small(uintptr_t start, const hf_layout *layout) {
    hf_inline_pair *object = (hf_inline_pair *)start;
    hf_inline_pair first = {(uintptr_t)(const void *)layout, 0}, rest = {0, 0};
    if (object == NULL)
        __builtin_unreachable();
    object[0] = first;
    object[1] = rest;
    return (hf_object *)(void *)object;
}

/* Small objects want room for the largest of these, so what is zeroed behind them is free; others are of what is zeroed ahead. */
HF_ALWAYS_INLINE hf_object *hf_inline_alloc(hf_mutator *mutator, hf_type type) {
    if (HF_LIKELY(mutator != NULL && type < HF_KNOWN_TYPES)) {
        hf_mutator_head *head = (hf_mutator_head *)(void *)mutator;
        const hf_known_type *known = &head->known[type];
        uintptr_t start = head->cursor;
        size_t bytes = known->bytes;
        uintptr_t end = start + bytes;
        if (bytes <= HF_SMALL) {
            if (HF_LIKELY(end + (HF_SMALL - HF_HEADER_BYTES) <= __atomic_load_n(&head->limit, __ATOMIC_RELAXED))) {
                hf_object *object = hf_inline_begin_small(start, known->layout);
                head->cursor = end;
                return object;
            }
        } else if (HF_LIKELY(end <= head->zeroed)) {
            head->cursor = end;
            return hf_inline_begin(start, known->layout);
        }
    }
    return hf_alloc(mutator, type);
}

#define hf_payload(object) hf_inline_payload(object)
#define hf_to_obj(mutator, ob) hf_inline_to_obj((mutator), (ob))
#define hf_from_obj(mutator, object) hf_inline_from_obj((mutator), (object))
#define hf_handle(mutator, object, size, ob_type, flags) hf_inline_handle((mutator), (object), (size), (ob_type), (flags))
#define hf_alloc(mutator, type) hf_inline_alloc((mutator), (type))
#define hf_alloc_layout(mutator, layout) hf_inline_alloc_layout((mutator), (layout))
#define hf_alloc_sized(mutator, layout, size) hf_inline_alloc_sized((mutator), (layout), (size))
#define hf_load(mutator, source, offset) hf_inline_load((mutator), (source), (offset))
#define hf_store(mutator, source, offset, value) hf_inline_store((mutator), (source), (offset), (value))

#endif /* HF_NO_INLINE */

/* ---- Allocation with the cursor in registers: for loops, and for code that a compiler of yours makes. ----
 *
 * An hf_batch is a local variable that takes the mutator's cursor, and what is zeroed. Between hf_batch_begin and hf_batch_end
 * the mutator is used for nothing that allocates, collects or changes its state, but through the batch; loading, storing
 * and rooting are allowed.
 * Owner: the caller. Thread: the mutator's. hf_batch_alloc may collect; NULL and the thread's error as hf_alloc_layout. */

typedef struct hf_batch {
    hf_mutator *mutator;
    uintptr_t cursor;
    uintptr_t zeroed;
} hf_batch;

/* What the batch has is not the mutator's: if nobody ends the batch, the mutator's cursor stays before what was written. */
static inline void hf_batch_take(hf_batch *batch) {
    hf_mutator_head *head = (hf_mutator_head *)(void *)batch->mutator;
    if (head != NULL) {
        batch->cursor = head->cursor;
        batch->zeroed = head->zeroed;
        head->zeroed = 0;
    }
}

static inline void hf_batch_give_back(const hf_batch *batch) {
    hf_mutator_head *head = (hf_mutator_head *)(void *)batch->mutator;
    if (head != NULL) {
        head->cursor = batch->cursor;
        head->zeroed = batch->zeroed;
    }
}

static inline hf_batch hf_batch_begin(hf_mutator *mutator) {
    hf_batch batch = {mutator, 0, 0};
    hf_batch_take(&batch);
    return batch;
}

static inline void hf_batch_end(hf_batch *batch) {
    hf_batch_give_back(batch);
    batch->mutator = NULL;
    batch->cursor = batch->zeroed = 0;
}

HF_ALWAYS_INLINE hf_object *hf_batch_alloc(hf_batch *batch, const hf_layout *layout) {
    hf_object *object;
    if (HF_LIKELY(layout != NULL)) {
        uintptr_t start = batch->cursor;
        uintptr_t end = start + ((const hf_type_head *)(const void *)layout)->fast_bytes;
        if (HF_LIKELY(end <= batch->zeroed)) {
            batch->cursor = end;
            return hf_inline_begin(start, layout);
        }
    }
    hf_batch_give_back(batch);
    object = (hf_alloc_layout)(batch->mutator, layout);
    hf_batch_take(batch);
    return object;
}

#ifdef __cplusplus
}
#endif

#endif /* HANDFAST_INLINE_H */
