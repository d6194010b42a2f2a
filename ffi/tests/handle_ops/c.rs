//! The C interface as a program sees it: declared by hand, as in C, not through the library's Rust types.
//!
//! The functions are declared safe: that they are called within their rules is what the programs of this module are
//! written for, and a call is no more or less sound for standing in a block of its own.

use std::ffi::{c_char, c_void};

/// The head of an `hf_pyobject`.
#[repr(C)]
pub struct Ob {
    pub refcnt: isize,
    pub link: usize,
    pub ob_type: *mut c_void,
}

/// `hf_config`, as it was first.
#[repr(C)]
pub struct Config {
    pub struct_size: usize,
    pub nursery_bytes: usize,
    pub max_heap_bytes: usize,
    pub gc_threads: u32,
    pub growth_percent: u32,
}

#[repr(C)]
pub struct TypeInfo {
    pub struct_size: usize,
    pub name: *const c_char,
    pub size: usize,
    pub item_size: usize,
    pub ref_offsets: *const usize,
    pub ref_offsets_len: usize,
    pub items_are_refs: bool,
    pub trace: *const c_void,
    pub handle_slot: usize,
    pub finalize: *const c_void,
}

#[repr(C)]
pub struct LeakReport {
    pub struct_size: usize,
    pub objects: u64,
    pub references: u64,
}

/// `hf_stats`: after its size, words in the order of the header.
pub type Stats = [usize; 24];
/// Pairs that are linked now.
pub const LINKS: usize = 6;
/// Handles that are not linked.
pub const C_ONLY: usize = 23;

pub type Object = *mut c_void;
pub type Mutator = *mut c_void;
pub type Heap = *mut c_void;
pub type Cell = *mut c_void;

unsafe extern "C" {
    pub safe fn hf_config_init_sized(config: *mut Config, size: usize);
    pub safe fn hf_heap_new(config: *const Config, out: *mut Heap) -> i32;
    pub safe fn hf_heap_free(heap: Heap, report: *mut LeakReport) -> i32;
    pub safe fn hf_heap_verify(heap: Heap) -> i32;
    pub safe fn hf_stats_get(heap: Heap, out: *mut Stats) -> i32;
    pub safe fn hf_type_info_init_sized(info: *mut TypeInfo, size: usize);
    pub safe fn hf_type_new(heap: Heap, info: *const TypeInfo, out: *mut u32) -> i32;
    pub safe fn hf_attach(heap: Heap, out: *mut Mutator) -> i32;
    pub safe fn hf_detach(m: Mutator) -> i32;
    pub safe fn hf_safepoint(m: Mutator);
    pub safe fn hf_native_enter(m: Mutator);
    pub safe fn hf_native_leave(m: Mutator);
    pub safe fn hf_alloc(m: Mutator, ty: u32) -> Object;
    pub safe fn hf_payload(o: Object) -> *mut c_void;
    pub safe fn hf_load(m: Mutator, o: Object, offset: usize) -> Object;
    pub safe fn hf_store(m: Mutator, o: Object, offset: usize, value: Object);
    pub safe fn hf_publish(m: Mutator, o: Object) -> i32;
    pub safe fn hf_collect_minor(m: Mutator) -> i32;
    pub safe fn hf_collect_full(m: Mutator) -> i32;
    pub safe fn hf_scope_open(m: Mutator) -> usize;
    pub safe fn hf_scope_close(m: Mutator, scope: usize);
    pub safe fn hf_root(m: Mutator, o: Object) -> *mut Object;
    pub safe fn hf_global_new(m: Mutator, o: Object, out: *mut Cell) -> i32;
    pub safe fn hf_global_get(m: Mutator, global: Cell) -> Object;
    pub safe fn hf_global_free(m: Mutator, global: Cell);
    pub safe fn hf_weak_new(m: Mutator, o: Object, out: *mut Cell) -> i32;
    pub safe fn hf_weak_get(m: Mutator, weak: Cell) -> Object;
    pub safe fn hf_weak_free(m: Mutator, weak: Cell);
    pub safe fn hf_pyobject_new(m: Mutator, size: usize, ob_type: *mut c_void) -> *mut Ob;
    pub safe fn hf_pyobject_adopt(m: Mutator, ob: *mut Ob, size: usize) -> i32;
    pub safe fn hf_pyobject_disown(m: Mutator, ob: *mut Ob);
    pub safe fn hf_link_gc_owned(m: Mutator, o: Object, ob: *mut Ob, flags: u32) -> i32;
    pub safe fn hf_link_c_owned(m: Mutator, o: Object, ob: *mut Ob, flags: u32) -> i32;
    pub safe fn hf_handle(m: Mutator, o: Object, size: usize, ob_type: *mut c_void, flags: u32) -> *mut Ob;
    pub safe fn hf_from_obj(m: Mutator, o: Object) -> *mut Ob;
    pub safe fn hf_to_obj(m: Mutator, ob: *mut Ob) -> Object;
    pub safe fn hf_incref(ob: *mut Ob);
    pub safe fn hf_decref(ob: *mut Ob);
    pub safe fn hf_decref_detached(heap: Heap, ob: *mut Ob);
    pub safe fn hf_refcnt(ob: *const Ob) -> isize;
    pub safe fn hf_is_unique(ob: *const Ob) -> bool;
    pub safe fn hf_set_immortal(ob: *mut Ob);
    pub safe fn hf_set_dealloc(
        heap: Heap,
        dealloc: Option<unsafe extern "C" fn(*mut Ob, *mut c_void)>,
        arg: *mut c_void,
    );
    pub safe fn hf_set_dead_notifier(heap: Heap, notify: Option<unsafe extern "C" fn(*mut c_void)>, arg: *mut c_void);
    pub safe fn hf_next_dead(heap: Heap) -> *mut Ob;
    pub safe fn hf_pyobject_free(ob: *mut Ob);
}
