//! The word of an object, at its type's handle slot, that leads to its `PyObject`: 0 while there is none.
//!
//! The owner of a private object just stores. Of several threads that make the handle of one public object one
//! compare-exchange decides: who loses frees what it has made and uses the winner's.
//!
//! # Orderings
//! - [L-slot] a filled `PyObject` → `decide` (release) → `get` (acquire): who finds a handle finds it whole, whoever lost
//!   included, who looks again.

use crate::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// A handle slot.
#[derive(Debug)]
#[repr(transparent)]
pub struct SlotWord(AtomicUsize);

impl SlotWord {
    /// Without a handle: for models. The collector's are words of objects.
    #[cfg(loom)]
    #[allow(clippy::new_without_default, reason = "for models only")]
    pub fn new() -> SlotWord {
        SlotWord(AtomicUsize::new(0))
    }

    /// The address of the handle, or 0. Acquire: [L-slot].
    #[inline(always)]
    pub fn get(&self) -> usize {
        self.0.load(Acquire)
    }

    /// The same of an object that is, or was until this minor collection, private to the caller, who has set it.
    #[inline(always)]
    pub fn get_private(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// The handle of an object that only the caller knows.
    #[inline(always)]
    pub fn set_private(&self, handle: usize) {
        self.0.store(handle, Relaxed);
    }

    /// The handle of a public object, if it has none yet. False: another thread was first; `get` says with which.
    #[must_use = "the handle of who was not first must go"]
    pub fn decide(&self, handle: usize) -> bool {
        // Release: [L-slot].
        self.0.compare_exchange(0, handle, Release, Relaxed).is_ok()
    }
}
