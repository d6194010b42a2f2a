//! Handles: what C code holds. `PyObject`s with stable addresses and atomic counts, linked with objects on the heap.
//!
//! The layer gives the collector its extra roots and lets pairs die with their objects ([`links`]); memory comes from
//! [`slab`]; what C does on its own, counting and freeing, is [`pyobject`], [`refcount`] and [`death`].

pub(crate) mod callback;
pub mod death;
#[cfg_attr(not(feature = "debug"), path = "debug/off.rs")]
pub(crate) mod debug;
mod detached;
pub(crate) mod heaps;
pub mod link_word;
pub mod links;
mod local_crossing;
pub mod local_links;
mod minor_links;
pub mod pyobject;
pub mod refcount;
pub(crate) mod slab;
mod slot_word;
mod verify;

pub(crate) use callback::Callback;
pub use pyobject::{LinkFlags, MIN_SIZE, PyObject};

use std::ffi::c_void;

/// Called when a C-only object's count has reached zero; frees it with [`PyObject::free`].
pub type Dealloc = unsafe extern "C" fn(*mut PyObject, *mut c_void);
/// Called after a collection that put something into the dead queue; never inside one.
pub type DeadNotifier = unsafe extern "C" fn(*mut c_void);

/// What C still holds when a heap is freed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeakReport {
    /// `PyObject`s that are still counted.
    pub objects: u64,
    /// C references to them.
    pub references: u64,
    /// By `ob_type` address: objects and references.
    pub by_type: Vec<(usize, u64, u64)>,
    /// Those of `objects` that are immortal, which were meant to stay; `objects` without them is what was forgotten.
    pub immortal_objects: u64,
    /// What their counts say, which is part of `references`.
    pub immortal_references: u64,
    /// In builds with the `debug` feature one text for each of the objects: address, type, counts, and what happened to it:
    /// who allocated it, where its first incref came from (increfs that C inlines are not seen), who linked it. Else empty.
    pub history: Vec<String>,
}
