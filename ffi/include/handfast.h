/* handfast: the C interface. Generated from ffi/src by cbindgen; do not edit. */
#ifndef HANDFAST_H
#define HANDFAST_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How to read the comments. "Owner": who owns what is passed and answered. "Thread": who may call: "the mutator's" is the
 * thread that attached it. "Collects": whether objects may move, and every unrooted hf_object pointer of this mutator is
 * stale afterwards. A function that cannot do what it is asked answers an error status, NULL, 0 or false, or does
 * nothing; hf_last_error() says why. */

/* hf_type_info.handle_slot of a type without one. */
#define HF_NO_SLOT SIZE_MAX
/* What hf_type_of answers for objects whose type was not made with hf_type_new (those of Rust code on the same heap). */
#define HF_NO_TYPE UINT32_MAX
/* What hf_scope_open answers when it could not open a scope. */
#define HF_NO_SCOPE SIZE_MAX

// The bit of `ob_refcnt` that marks an immortal object.
#define HF_IMMORTAL_BIT 60

// Link flag: when both sides are dead the handle's memory is freed silently, and nobody is told.
#define HF_LINK_LIGHT 1

// Version of this header: incompatible changes.
#define HF_VERSION_MAJOR 0

// Version of this header: additions.
#define HF_VERSION_MINOR 1

// Version of this header: corrections.
#define HF_VERSION_PATCH 0

// Number of the binary interface. It changes when a program that was compiled before cannot run any more: when a
// layout that `handfast_inline.h` repeats changes, above all.
#define HF_ABI 3

// The answer of a fallible function. Values never change their meaning; new ones may be added.
typedef enum hf_status {
    // Done.
    HF_OK = 0,
    // An argument is NULL, zero, out of range, or contradicts another one.
    HF_ERR_INVALID_ARGUMENT = 1,
    // A field of the configuration is out of range.
    HF_ERR_INVALID_CONFIG = 2,
    // A type description contradicts itself.
    HF_ERR_INVALID_TYPE = 3,
    // No memory, even after a full collection. The heap stays usable.
    HF_ERR_OUT_OF_MEMORY = 4,
    // One of the two sides is linked already. Nothing has changed.
    HF_ERR_ALREADY_LINKED = 5,
    // This thread is attached to this heap already.
    HF_ERR_ALREADY_ATTACHED = 6,
    // This thread is not attached.
    HF_ERR_NOT_ATTACHED = 7,
    // The mutator is not one of the calling thread: another thread's, or detached.
    HF_ERR_WRONG_THREAD = 8,
    // Threads are attached still. Nothing has changed.
    HF_ERR_STILL_ATTACHED = 9,
    // The process has forked; the heap belongs to the parent.
    HF_ERR_FORKED = 10,
    // The operating system refused.
    HF_ERR_OS = 11,
    // The program was compiled for another version of the interface.
    HF_ERR_ABI = 12,
    // A panic inside the library was caught at the boundary: a bug, or an inconsistency that a check found.
    HF_ERR_PANIC = 13,
    // `hf_heap_verify` has found an invariant of the heap violated.
    HF_ERR_CORRUPT = 14,
} hf_status;

// A root of the heap itself: a cell that keeps one object alive until `hf_global_free`.
typedef struct hf_global hf_global;

// A heap: objects, the threads attached to it, and its collector threads. Several may exist in a process.
typedef struct hf_heap hf_heap;

// What a program that allocates one type in a hot loop gets from `hf_type_layout`. It lives as long as its heap.
typedef struct hf_layout hf_layout;

// A thread that is attached to a heap. It belongs to that thread; `hf_detach` ends it.
typedef struct hf_mutator hf_mutator;

// An object of the heap. It may move: the pointer is valid until this mutator's next call that may collect, unless
// it is read again from a root (`hf_root`, `hf_global_get`) afterwards.
typedef struct hf_object hf_object;

// A weak reference: a cell that answers one object while it is alive, until `hf_weak_free`.
typedef struct hf_weak hf_weak;

// A type of one heap's objects.
typedef uint32_t hf_type;

// The side of a pair that C holds. It never moves while it is linked or counted; the embedder's own fields follow it.
// C changes the count with `hf_incref` and `hf_decref` only, which are atomic, and never writes the link.
typedef struct hf_pyobject {
    // C references, plus 1 while linked; one bit marks immortal. Atomic: read it with `hf_refcnt`.
    intptr_t ob_refcnt;
    // 0 when unlinked. The library's.
    uintptr_t ob_pypy_link;
    // The embedder's.
    void *ob_type;
} hf_pyobject;

// What a heap is made with. Fill it with `hf_config_init`, then change what should differ.
typedef struct hf_config {
    // `sizeof(hf_config)`; `hf_config_init` sets it.
    size_t struct_size;
    // Bytes of each thread's nursery, 128 KiB to 256 MiB.
    size_t nursery_bytes;
    // The most bytes that objects may occupy. 0: three quarters of the machine's memory.
    size_t max_heap_bytes;
    // Collector threads; 0: cycles run only on demand, by the calling mutator.
    uint32_t gc_threads;
    // How much a heap grows over what the last cycle left alive, in percent of that: so much is promoted from the start of one
    // cycle to the end of the next. Default 20.
    uint32_t growth_percent;
    // The least growth, whatever lives.
    size_t min_trigger_bytes;
    // Free memory kept before more goes back to the operating system.
    size_t reserve_bytes;
    // Ask the operating system for huge pages.
    bool huge_pages;
    // The most bytes to which a nursery grows while part of what is allocated survives. 0: 64 times `nursery_bytes`, but
    // at most a quarter of the heap's; the same as `nursery_bytes`: it does not grow.
    size_t max_nursery_bytes;
    // What a minor collection should take at most, in microseconds of processor time: it bounds the size of nurseries, and
    // what survives beyond it is not copied but kept where it is. Roots, remembered fields and handles are visited in any
    // case. 0: the default, 15 ms.
    uint64_t pause_target_us;
    // Minor collections that a young object which C alone holds stays young for, 0 to 7: so many chances that its pair dies
    // at a minor of its thread instead of the next cycle. 0, the default: the first minor promotes it.
    uint32_t link_patience;
    // Touch all of `max_heap_bytes`, which must not be 0 then, when the heap is made, and keep it: no thread waits later for
    // pages of objects to be cleared. `hf_heap_new` takes 0.1 to 4 nanoseconds a byte for it. False, the default: pages come
    // as they are needed, and go back to the operating system.
    bool touch_memory;
} hf_config;

// The handles of one `ob_type` that C still held when a heap was freed.
typedef struct hf_leak_type {
    // Their `ob_type`: the embedder's own address.
    void *ob_type;
    // Handles with C references.
    uint64_t objects;
    // Those references together.
    uint64_t references;
} hf_leak_type;

// What C still held when a heap was freed. Set `struct_size` to get what is behind `references`, and give that back with
// `hf_leak_report_free`.
typedef struct hf_leak_report {
    // `sizeof(hf_leak_report)`. 0 stands for the first version's size, which ends with `references`, and so does whatever is
    // no size of a later version: a program for the first need not have set it.
    size_t struct_size;
    // Handles with C references.
    uint64_t objects;
    // Those references together.
    uint64_t references;
    // The same by `ob_type`, in the order of its addresses; NULL when nothing is held. The caller frees it with
    // `hf_leak_report_free`.
    struct hf_leak_type *by_type;
    // Entries of `by_type`.
    size_t by_type_len;
    // Those of `objects` that are immortal, which were meant to stay: `objects` without them is what was forgotten.
    uint64_t immortal_objects;
    // What their counts say, which is part of `references`.
    uint64_t immortal_references;
} hf_leak_report;

// A heap's counters. Set `struct_size` before `hf_stats_get`.
typedef struct hf_stats {
    // `sizeof(hf_stats)`.
    size_t struct_size;
    // Minor collections of all threads.
    uint64_t minor_collections;
    // Global cycles completed.
    uint64_t cycles;
    // Bytes allocated since the start, as of the last minor of each thread.
    uint64_t allocated_bytes;
    // Bytes alive after the last cycle.
    uint64_t live_bytes;
    // Bytes of memory in use by the heap.
    uint64_t committed_bytes;
    // Pairs that are linked now.
    uint64_t links;
    // Links that died in minor collections.
    uint64_t links_freed_by_minor;
    // Links that died in cycles.
    uint64_t links_freed_by_cycle;
    // Handles that went to the dead queue.
    uint64_t dead_queued;
    // The longest interruption of a thread, in nanoseconds.
    uint64_t longest_pause_ns;
    // Objects alive after the last cycle.
    uint64_t live_objects;
    // Bytes that minors moved or promoted in place.
    uint64_t promoted_bytes;
    // Objects that minors moved or promoted in place.
    uint64_t promoted_objects;
    // Bytes of blocks that are not free and of large objects.
    uint64_t used_bytes;
    // Links ever made.
    uint64_t links_made;
    // What `hf_external_memory` has added up to.
    uint64_t external_bytes;
    // Half of the interruptions were no longer than this, in nanoseconds.
    uint64_t p50_pause_ns;
    // 99 of 100 interruptions were no longer than this, in nanoseconds.
    uint64_t p99_pause_ns;
    // Interruptions of threads: minor collections, handshakes, and waits for a cycle because memory was out.
    uint64_t pauses;
    // Threads that are attached now.
    uint64_t attached_mutators;
    // Finalizers that ran.
    uint64_t finalized;
    // Objects that were published.
    uint64_t published_objects;
    // Handles that exist now and are not linked: those that C alone holds, adopted memory, and the dead until they are
    // freed. With `links` it is all handles that there are. Exact when no thread is making or freeing any.
    uint64_t c_only;
    // 999 of 1000 interruptions were no longer than this, in nanoseconds.
    uint64_t p999_pause_ns;
} hf_stats;

// Visits one reference slot of an object.
typedef void (*hf_visit)(struct hf_object **slot, void *arg);

// What the collector must know of a type. Zero-initialise it, call `hf_type_info_init` (or set `struct_size`), fill it.
// Offsets count from the start of the payload. Everything is copied: nothing needs to outlive `hf_type_new`.
typedef struct hf_type_info {
    // `sizeof(hf_type_info)`; `hf_type_info_init` sets it.
    size_t struct_size;
    // For messages; may be NULL.
    const char *name;
    // Bytes of the fixed part of the payload, header excluded.
    size_t size;
    // 0: objects of fixed size; else items of this many bytes follow the fixed part.
    size_t item_size;
    // Offsets of the `hf_object *` fields of the fixed part: multiples of 8.
    const size_t *ref_offsets;
    // How many there are.
    size_t ref_offsets_len;
    // Each item is one `hf_object *`; `item_size` is `sizeof(void *)`, `size` a multiple of it.
    bool items_are_refs;
    // NULL, or a function that calls `visit(slot, arg)` once for each reference of an object, and replaces the three
    // fields above. It may run on any thread, at any time, and calls nothing but `visit`, `hf_payload` and `hf_items`.
    void (*trace)(struct hf_object *object, hf_visit visit, void *arg);
    // Offset of a pointer-sized word of the fixed part that belongs to the library, for the link; or `HF_NO_SLOT`.
    // 0 in a struct that `hf_type_info_init` has not seen means `HF_NO_SLOT`.
    size_t handle_slot;
    // NULL, or what runs once for each object that was found unreachable, on some attached thread, at a point that may
    // collect. It may make the object reachable again; it may not detach the mutator.
    void (*finalize)(struct hf_mutator *mutator, struct hf_object *object);
    // Set by `hf_type_info_init`; leave it alone.
    uint64_t initialised;
} hf_type_info;

// What is called for each object of a heap walk. It may read the object, and calls nothing that takes a mutator.
typedef void (*hf_walk)(struct hf_object *object, hf_type type_, size_t bytes, size_t items, void *arg);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Allocates an object with a zeroed payload; of a type with items, one without items.
//
// # Safety
// Owner: the collector; root it before the next call that may collect. Thread: the mutator's. **May collect.**
// NULL: out of memory (after a full collection; the heap stays usable), or an unknown type.
struct hf_object *hf_alloc(struct hf_mutator *mutator,
                           hf_type type_);

// Allocates an object with `items` items, all zeroed.
//
// # Safety
// Owner: the collector; root it before the next call that may collect. Thread: the mutator's. **May collect.**
// NULL: out of memory (after a full collection; the heap stays usable), an unknown type, or items of a type that
// has none.
struct hf_object *hf_alloc_items(struct hf_mutator *mutator,
                                 hf_type type_,
                                 size_t items);

// The layout of a type, for `hf_alloc_layout` and `hf_alloc_sized`.
//
// # Safety
// Owner: the heap; it lives as long. Thread: any. Collects: no. NULL: an unknown type.
const struct hf_layout *hf_type_layout(struct hf_heap *heap, hf_type type_);

// As `hf_alloc`, for a type of the same heap whose layout was looked up before; in C, fixed-size types without a
// finalizer are allocated inline, which takes a few instructions.
//
// # Safety
// Owner: the collector; root it before the next call that may collect. Thread: the mutator's. **May collect.**
// NULL: out of memory (after a full collection; the heap stays usable).
struct hf_object *hf_alloc_layout(struct hf_mutator *mutator,
                                  const struct hf_layout *layout);

// As `hf_alloc_layout`, where the program knows the size of the type's payload when it is compiled: `size` is
// `sizeof` of the struct that it describes. In C the allocation is inline then and zeroes just that, so that what the
// program writes next need not be zeroed first: the shortest way to an object.
//
// # Safety
// Owner: the collector; root it before the next call that may collect. Thread: the mutator's. **May collect.**
// NULL: out of memory (after a full collection; the heap stays usable), or `size` is not the type's.
struct hf_object *hf_alloc_sized(struct hf_mutator *mutator,
                                 const struct hf_layout *layout,
                                 size_t size);

// The last failure on this thread, as `function: cause`; an empty string when there was none. It explains a status, a
// NULL, or a call that did nothing; calls that succeed leave it as it is.
// The text is the library's and valid until the next call of this thread that fails. Thread: any. Collects: no.
const char *hf_last_error(void);

// Makes a handle that only C knows: count 1, not linked, everything behind the first three fields zeroed.
//
// # Safety
// Owner: the caller holds the one reference. Thread: the mutator's. Collects: no. NULL: out of memory, or `size` is
// smaller than an `hf_pyobject`.
struct hf_pyobject *hf_pyobject_new(struct hf_mutator *mutator,
                                    size_t size,
                                    void *ob_type);

// Takes memory of the embedder's own (from its malloc, or a static struct that is then made immortal) as a handle. Its
// three fields are the embedder's to set before: a count, a link of 0, a type. From now on all rules hold for it, but the
// library never frees it: dealloc and the dead queue hand it back, the dead queue even if the link is light. A count below
// 1 becomes 1. What is another heap's, or adopted by another heap, is refused.
//
// # Safety
// Owner: the memory stays the caller's. Thread: the mutator's. Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`,
// `HF_ERR_WRONG_THREAD`, `HF_ERR_OUT_OF_MEMORY`.
enum hf_status hf_pyobject_adopt(struct hf_mutator *mutator,
                                 struct hf_pyobject *ob,
                                 size_t size);

// Gives adopted memory back to the embedder, before it goes away. It must not be linked any more.
//
// # Safety
// Owner: the memory is the caller's alone again. Thread: the mutator's. Collects: no. NULL, linked, or not adopted:
// does nothing, and `hf_last_error` says why.
void hf_pyobject_disown(struct hf_mutator *mutator,
                        struct hf_pyobject *ob);

// Links an object of the heap with a handle that was made for it. The link adds one count of its own.
//
// # Safety
// Owner: the caller keeps the references that it has. Thread: the mutator's. Collects: no. Errors:
// `HF_ERR_ALREADY_LINKED` (nothing has changed), `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`,
// `HF_ERR_OUT_OF_MEMORY`.
enum hf_status hf_link_gc_owned(struct hf_mutator *mutator,
                                struct hf_object *object,
                                struct hf_pyobject *ob,
                                uint32_t flags);

// Links a handle that C made with an object of the heap that was made for it. The link adds one count of its own.
//
// # Safety
// Owner: the caller keeps the references that it has. Thread: the mutator's. Collects: no. Errors:
// `HF_ERR_ALREADY_LINKED` (nothing has changed), `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`,
// `HF_ERR_OUT_OF_MEMORY`.
enum hf_status hf_link_c_owned(struct hf_mutator *mutator,
                               struct hf_object *object,
                               struct hf_pyobject *ob,
                               uint32_t flags);

// The handle of an object, which is made (with this size and type) when there is none yet. While the object is linked
// every thread gets the same address.
//
// # Safety
// Owner: the answer is a new reference, the caller's to drop with `hf_decref`. Thread: the mutator's. Collects: no.
// NULL: out of memory, or `size` is smaller than an `hf_pyobject` and there is no handle yet.
struct hf_pyobject *hf_handle(struct hf_mutator *mutator,
                              struct hf_object *object,
                              size_t size,
                              void *ob_type,
                              uint32_t flags);

// The handle of an object; NULL when it has none.
//
// # Safety
// Owner: borrowed: valid while the object is reachable; take a reference with `hf_incref` to keep it. Thread: the
// mutator's. Collects: no.
struct hf_pyobject *hf_from_obj(struct hf_mutator *mutator,
                                struct hf_object *object);

// The object of a handle; NULL when it is not linked. A handle of another heap is an error, and the answer NULL; the inlined
// function, which does not look, may answer that heap's object instead, which is not this mutator's to use.
//
// # Safety
// Owner: the collector; root the answer before the next call that may collect. The caller holds a reference to `ob`.
// Thread: the mutator's. Collects: no.
struct hf_object *hf_to_obj(struct hf_mutator *mutator,
                            struct hf_pyobject *ob);

// Takes a reference.
//
// # Safety
// Owner: the caller has one more, and had (or borrows) one. Thread: any attached, running or native. Collects: no.
// NULL: does nothing.
void hf_incref(struct hf_pyobject *ob);

// Drops a reference. When it is the last one of a handle that is not linked, the dealloc callback runs at once.
//
// # Safety
// Owner: the caller has one less; do not touch `ob` afterwards. Thread: any attached, running or native. Collects: no.
// NULL: does nothing.
void hf_decref(struct hf_pyobject *ob);

// Drops a reference on a thread that is not attached. The reference goes, still counted, to a queue of the heap: `ob`
// lives until a mutator takes it from there, at its next point that may collect, or until `hf_heap_free`. Only then, and
// on that thread, dealloc may run. Waits for nobody.
//
// # Safety
// Owner: the caller has one less; do not touch `ob` afterwards. Thread: any, attached or not. Collects: no. NULL: does
// nothing. An `ob` that is not of this heap: does nothing but say so.
void hf_decref_detached(struct hf_heap *heap,
                        struct hf_pyobject *ob);

// What the inline `hf_decref` calls when it has brought a count to zero or below. Not for programs.
//
// # Safety
// Owner: the caller has dropped the last reference. Thread: any attached, running or native. Collects: no. NULL: does
// nothing.
void hf_decref_zero(struct hf_pyobject *ob);

// How many references C holds: the link's own is not counted.
//
// # Safety
// The caller holds or borrows a reference. Thread: any attached. Collects: no. 0 of NULL.
intptr_t hf_refcnt(const struct hf_pyobject *ob);

// Whether there is one reference and no link, so that the caller alone knows `ob`.
//
// # Safety
// The caller holds a reference. Thread: any attached. Collects: no. False of NULL.
bool hf_is_unique(const struct hf_pyobject *ob);

// Makes a handle immortal: its count has no meaning any more, and it never dies.
//
// # Safety
// The caller holds a reference. Thread: any attached. Collects: no. NULL: does nothing.
void hf_set_immortal(struct hf_pyobject *ob);

// The next handle whose pair has died: not linked any more, its count is 1. NULL when there is none. Each is given once.
//
// # Safety
// Owner: the count of 1 is the caller's: drop it with `hf_decref`, or free the memory with `hf_pyobject_free`.
// Thread: any attached. Collects: no. NULL of a NULL heap; safe before anything is set up.
struct hf_pyobject *hf_next_dead(struct hf_heap *heap);

// Frees the memory of a handle that is not linked: in the dealloc callback, or after `hf_next_dead`. The embedder frees
// adopted memory itself, after `hf_pyobject_disown`.
//
// # Safety
// Owner: the memory is gone. Thread: any attached. Collects: no. NULL: does nothing.
void hf_pyobject_free(struct hf_pyobject *ob);

// Fills a configuration of `size` bytes (`sizeof(hf_config)` of the program) with the defaults, and sets its
// `struct_size`. `hf_config_init(config)` is a macro for it.
//
// # Safety
// Owner: the caller. Thread: any. Collects: no. NULL or an impossible size: does nothing.
void hf_config_init_sized(struct hf_config *config, size_t size);

// Fills the fields of the first version of `hf_config` with the defaults, and sets its `struct_size` to that version's.
// In C, a macro of this name fills the whole struct.
//
// # Safety
// Owner: the caller. Thread: any. Collects: no. NULL: does nothing.
void hf_config_init(struct hf_config *config);

// Makes a heap, with the defaults when `config` is NULL. No thread is attached to it yet.
//
// # Safety
// Owner: `*out` is the caller's until `hf_heap_free`; NULL is written there on failure. Thread: any. Collects: no.
// Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_INVALID_CONFIG`, `HF_ERR_OUT_OF_MEMORY`, `HF_ERR_OS`.
enum hf_status hf_heap_new(const struct hf_config *config,
                           struct hf_heap **out);

// Frees a heap that no thread is attached to any more. Ends its collector threads, drops everything that lives, runs
// the dealloc callback until nothing more is released, and reports what C still holds; memory of handles that C
// still holds is gone too. `out_or_null->struct_size` may be left unset; if it is set, `hf_leak_report_free` is due. The report of
// a NULL heap says that nothing is held; a call that fails writes none.
//
// # Safety
// Owner: on success the heap and everything of it is gone, on failure it is as before. Thread: any, and no other
// thread may use the heap during the call. Collects: no mutator is left that could. A NULL heap is `HF_OK`.
// Errors: `HF_ERR_STILL_ATTACHED`, `HF_ERR_FORKED`.
enum hf_status hf_heap_free(struct hf_heap *heap,
                            struct hf_leak_report *out_or_null);

// Frees what `hf_heap_free` allocated for a report, and clears it there; the numbers stay.
//
// # Safety
// Owner: `by_type` is gone. Thread: any. Collects: no. NULL, a report without entries, a first version's report, or one
// that was freed before: does nothing.
void hf_leak_report_free(struct hf_leak_report *report);

// Tells the heap that its objects keep `delta` more (or, negative, fewer) bytes alive outside of it. They count when
// it decides to start a cycle.
//
// # Safety
// Thread: any. Collects: no. A NULL heap: does nothing.
void hf_external_memory(struct hf_heap *heap,
                        ptrdiff_t delta);

// Checks the heap's invariants, in any build: everything old, and what each thread reaches, remembers and has linked. Waits
// until every other attached thread has come to a safepoint, unless it is native. For tests: it takes longer than a full
// collection.
//
// # Safety
// Thread: any that is attached and running. **May collect.** Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_NOT_ATTACHED`,
// `HF_ERR_FORKED`, and `HF_ERR_CORRUPT` when something is wrong: `hf_last_error` says what, where and when.
enum hf_status hf_heap_verify(struct hf_heap *heap);

// The calling thread's mutator of this heap; NULL when it is not attached.
//
// # Safety
// Owner: the thread, until `hf_detach`. Thread: any. Collects: no.
struct hf_mutator *hf_current(struct hf_heap *heap);

// Sets what happens to an unlinked handle whose last reference is dropped: `dealloc(ob, arg)` runs at once, on that
// thread, inside `hf_decref`; it ends with `hf_pyobject_free(ob)` (or `hf_pyobject_disown`, for adopted memory), and
// may call anything but `hf_detach` and `hf_heap_free`. NULL, the default: the memory is freed.
//
// # Safety
// Owner: `arg` stays the caller's and must outlive the heap. Thread: any, before handles exist. Collects: no.
void hf_set_dealloc(struct hf_heap *heap,
                    void (*dealloc)(struct hf_pyobject *ob, void *arg),
                    void *arg);

// Sets what is told that `hf_next_dead` has something to give: `notify(arg)` runs once after a collection that queued
// something, never inside one, on a thread that is at a point that may collect. It may call anything that its thread
// may call there. NULL, the default: nobody is told.
//
// # Safety
// Owner: `arg` stays the caller's and must outlive the heap. Thread: any. Collects: no.
void hf_set_dead_notifier(struct hf_heap *heap,
                          void (*notify)(void *arg),
                          void *arg);

// The payload of an object: its fixed part, then its items. Read references with `hf_load` and write them with
// `hf_store`; everything else is plain memory of the program.
//
// # Safety
// Owner: the object; the pointer is valid as long as the `hf_object *` is. Thread: any that may use the object.
// Collects: no. NULL of NULL.
void *hf_payload(struct hf_object *object);

// The number of items of an object; 0 for types of fixed size, and of NULL.
//
// # Safety
// Thread: any that may use the object. Collects: no.
size_t hf_items(struct hf_object *object);

// The type of an object; `HF_NO_TYPE` for one whose type was not made with `hf_type_new`, and of NULL.
//
// # Safety
// Thread: any that may use the object. Collects: no.
hf_type hf_type_of(struct hf_object *object);

// Reads a reference field. `offset` counts from the start of the payload.
//
// # Safety
// Owner: the collector. Thread: the mutator's. Collects: no. NULL: the field is, or there is no such field.
struct hf_object *hf_load(struct hf_mutator *mutator, struct hf_object *source, size_t offset);

// Writes a reference field, with the write barrier. `offset` counts from the start of the payload.
//
// # Safety
// Owner: the collector. Thread: the mutator's. Collects: no. No such field: does nothing.
void hf_store(struct hf_mutator *mutator,
              struct hf_object *source,
              size_t offset,
              struct hf_object *value_or_null);

// What the inline `hf_store` calls when the source is public, or old, and the field exists. Not for programs.
//
// # Safety
// Owner: the collector. Thread: the mutator's. Collects: no.
void hf_store_barrier(struct hf_mutator *mutator,
                      struct hf_object *source,
                      size_t offset,
                      struct hf_object *value_or_null);

// A number that stays the same for one object, whatever moves. Two objects may share it.
//
// # Safety
// Thread: the mutator's. Collects: no. 0 of NULL.
uintptr_t hf_identity(struct hf_mutator *mutator, struct hf_object *object);

// Collects this thread's nursery.
//
// # Safety
// Thread: the mutator's. **May collect.** Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`,
// `HF_ERR_FORKED`.
enum hf_status hf_collect_minor(struct hf_mutator *mutator);

// Runs a whole cycle. When it returns, everything that was unreachable before the call has died, and the dead queue
// holds its share. It waits for threads that run without coming to a safepoint.
//
// # Safety
// Thread: the mutator's. **May collect.** Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`,
// `HF_ERR_FORKED`.
enum hf_status hf_collect_full(struct hf_mutator *mutator);

// Makes an object, and everything that it reaches, visible to other threads. Storing it into something public does
// this too; a program calls it before it hands the address over by other means.
//
// # Safety
// Thread: the mutator's. Collects: no; the object does not move any more. Errors: `HF_ERR_INVALID_ARGUMENT`,
// `HF_ERR_WRONG_THREAD`.
enum hf_status hf_publish(struct hf_mutator *mutator,
                          struct hf_object *object);

// Whether an object is public: other threads may reach it. False of NULL.
//
// # Safety
// Thread: the mutator's. Collects: no.
bool hf_is_public(struct hf_mutator *mutator, struct hf_object *object);

// Whether an object is young: in a nursery. False of NULL.
//
// # Safety
// Thread: the mutator's. Collects: no.
bool hf_is_young(struct hf_mutator *mutator, struct hf_object *object);

// Keeps an object where it is until it is unpinned as often. It does not keep it alive.
//
// # Safety
// Thread: the mutator's. Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`.
enum hf_status hf_pin(struct hf_mutator *mutator, struct hf_object *object);

// Ends one `hf_pin`.
//
// # Safety
// Thread: the mutator's. Collects: no. NULL: does nothing.
void hf_unpin(struct hf_mutator *mutator, struct hf_object *object);

// Opens a scope for roots.
//
// # Safety
// Owner: the thread; close it with `hf_scope_close`. Thread: the mutator's. Collects: no. `SIZE_MAX` for NULL or
// another thread's mutator.
size_t hf_scope_open(struct hf_mutator *mutator);

// Closes a scope and those opened after it: their slots are gone. A number that is no open scope of this mutator changes
// nothing: `hf_last_error` says so.
//
// # Safety
// Thread: the mutator's. Collects: no.
void hf_scope_close(struct hf_mutator *mutator,
                    size_t scope);

// A slot that holds this object (or NULL) and that the collector updates when it moves. The program may write other
// objects of this mutator, or NULL, into it.
//
// # Safety
// Owner: the innermost open scope; the slot is gone when that closes, or at `hf_detach` when none is open. Thread: the
// mutator's, for the slot too. Collects: no. NULL for NULL, another thread's mutator, or
// where there is no memory for one more root; those that there are stay.
struct hf_object **hf_root(struct hf_mutator *mutator,
                           struct hf_object *object);

// Makes a root that all threads can share. The object (which may be NULL) becomes public.
//
// # Safety
// Owner: `*out` is the caller's until `hf_global_free`; NULL is written there on failure. Thread: the mutator's.
// Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`, `HF_ERR_OUT_OF_MEMORY`.
enum hf_status hf_global_new(struct hf_mutator *mutator,
                             struct hf_object *object,
                             struct hf_global **out);

// The object of a global root.
//
// # Safety
// Owner: the collector. Thread: the mutator's; the global may be any thread's of this heap. Collects: no.
struct hf_object *hf_global_get(struct hf_mutator *mutator, struct hf_global *global);

// Sets a global root to another object, which becomes public, or to NULL.
//
// # Safety
// Thread: the mutator's; the global may be any thread's of this heap. Collects: no.
void hf_global_set(struct hf_mutator *mutator, struct hf_global *global, struct hf_object *object);

// Frees a global root.
//
// # Safety
// Owner: the global is gone. Thread: the mutator's, which need not have made it. Collects: no. NULL: does nothing. One of
// another heap, or that has been freed already and not been given out again: does nothing but say so.
void hf_global_free(struct hf_mutator *mutator,
                    struct hf_global *global);

// Makes a weak reference to an object.
//
// # Safety
// Owner: `*out` is the caller's until `hf_weak_free`; NULL is written there on failure. Thread: the mutator's.
// Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`, `HF_ERR_OUT_OF_MEMORY`.
enum hf_status hf_weak_new(struct hf_mutator *mutator,
                           struct hf_object *object,
                           struct hf_weak **out);

// The object of a weak reference; NULL once it is dead.
//
// # Safety
// Owner: the collector; root the answer before the next call that may collect. Thread: the mutator's; the weak
// reference may be any thread's of this heap. Collects: no.
struct hf_object *hf_weak_get(struct hf_mutator *mutator,
                              struct hf_weak *weak);

// Frees a weak reference.
//
// # Safety
// Owner: the weak reference is gone. Thread: the mutator's, which need not have made it. Collects: no. NULL: does
// nothing. One of another heap, or that has been freed already and not been given out again: does nothing but say so.
void hf_weak_free(struct hf_mutator *mutator,
                  struct hf_weak *weak);

// Reads a heap's counters. They are exact for what has stopped changing, and each by itself otherwise.
//
// # Safety
// Owner: the caller; only `out->struct_size` bytes are written. Thread: any. Collects: no.
// Errors: `HF_ERR_INVALID_ARGUMENT`.
enum hf_status hf_stats_get(struct hf_heap *heap, struct hf_stats *out);

// What a status means, in English. The text is static; any value is allowed. Thread: any. Collects: no.
const char *hf_status_message(int status);

// Attaches the calling thread to a heap. A thread attaches once to each heap, and to as many heaps as it likes. A thread
// that ends is detached. A thread that waits in one heap (for a full collection, or for memory) is running still in the
// others, whose cycles wait for it: two such threads can wait for each other for ever, unless each goes to native state
// in the other heap first.
//
// # Safety
// Owner: `*out` is the calling thread's until `hf_detach`; NULL is written there on failure. Thread: any.
// Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_ALREADY_ATTACHED`, `HF_ERR_FORKED`,
// `HF_ERR_OS` (no addresses for the thread's roots).
enum hf_status hf_attach(struct hf_heap *heap,
                         struct hf_mutator **out);

// Ends the calling thread's attachment, from running or from native state. Its roots are dropped; what others can
// reach, and what C still holds, lives on. Not allowed in a callback.
//
// # Safety
// Owner: the mutator is gone on success. Thread: the mutator's. **May collect.**
// Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`.
enum hf_status hf_detach(struct hf_mutator *mutator);

// A point at which this thread serves what others asked of it. A thread that runs for long without allocating calls
// it now and then, or goes to native state.
//
// # Safety
// Thread: the mutator's. **May collect**; runs finalizers and the dead notifier. NULL, another thread's mutator: does
// nothing.
void hf_safepoint(struct hf_mutator *mutator);

// Goes to native state: the thread promises to touch no `hf_object` until `hf_native_leave`, and collections do not
// wait for it meanwhile. For calls that block or take long. Counts may be changed in native state.
//
// # Safety
// Thread: the mutator's. Collects: not by itself, but from here on others may, on this thread's behalf. Already native:
// does nothing.
void hf_native_enter(struct hf_mutator *mutator);

// Comes back from native state.
//
// # Safety
// Thread: the mutator's. **May collect**: objects may have moved meanwhile. Not native: does nothing.
void hf_native_leave(struct hf_mutator *mutator);

// Fills a type description of `size` bytes (`sizeof(hf_type_info)` of the program): all zero, `handle_slot` is
// `HF_NO_SLOT`, `struct_size` is set. `hf_type_info_init(info)` is a macro for it.
//
// # Safety
// Owner: the caller. Thread: any. Collects: no. NULL or an impossible size: does nothing.
void hf_type_info_init_sized(struct hf_type_info *info,
                             size_t size);

// Fills the whole description, as this version of the interface knows it. In C, a macro of this name passes the
// program's own size.
//
// # Safety
// Owner: the caller. Thread: any. Collects: no. NULL: does nothing.
void hf_type_info_init(struct hf_type_info *info);

// Registers a type with a heap.
//
// # Safety
// Owner: `info` stays the caller's, everything is copied; the type lives as long as the heap. Thread: any.
// Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_INVALID_TYPE`.
enum hf_status hf_type_new(struct hf_heap *heap, const struct hf_type_info *info, hf_type *out);

// `"MAJOR.MINOR.PATCH"` of the library that runs. Static text. Thread: any. Collects: no.
const char *hf_version(void);

// Whether a program fits the library that runs: call it as `hf_abi_check(sizeof(hf_pyobject), HF_ABI)`.
// Thread: any. Collects: no. Errors: `HF_ERR_ABI`.
enum hf_status hf_abi_check(size_t pyobject_size, uint32_t abi);

// Calls `visit` for each live object: what the last cycle left alive or was promoted since, and what this thread can
// reach. For exact answers call `hf_collect_full` first, with no other thread running.
//
// # Safety
// Owner: `arg` is the caller's. Thread: the mutator's. **May collect.** Errors: `HF_ERR_INVALID_ARGUMENT`,
// `HF_ERR_WRONG_THREAD`.
enum hf_status hf_heap_walk(struct hf_mutator *mutator,
                            hf_walk visit,
                            void *arg);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#include "handfast_inline.h"

#endif /* HANDFAST_H */
