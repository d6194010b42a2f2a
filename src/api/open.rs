//! What is open while a scope is: the height of the root stack below it.
//!
//! A guard of two words that is inlined whole, the way out of a panic included, so that both stay in registers. A scope
//! closes with everything that was rooted in it, or with one object less, which is rooted in the scope around it then:
//! that takes the first slot of those that go, so it need not ask for room.

use crate::api::raw;
use crate::mutator::roots::Height;
use crate::object::{Object, Slot};
use std::mem::ManuallyDrop;

/// An open scope's part of the root stack; dropping it closes the scope, also on a panic.
pub(crate) struct Open(raw::Mutator, Height);

impl Open {
    /// # Safety
    /// `raw` is attached to the calling thread, and stays so until the scope is closed.
    #[inline(always)]
    pub(crate) unsafe fn new(raw: raw::Mutator) -> Open {
        // SAFETY: [Y1] attached to this thread, by the contract of this function.
        Open(raw, unsafe { raw.root_height() })
    }

    /// Closes the scope, but for one object, whose new root in the scope around it is the answer.
    ///
    /// # Safety
    /// A valid object of this heap.
    #[inline(always)]
    pub(crate) unsafe fn close_but(self, object: *mut Object) -> Slot {
        let this = ManuallyDrop::new(self);
        // SAFETY: [Y1] opened on this thread. The other roots are branded and gone by now.
        unsafe { this.0.cut_roots_to_one(this.1, object) }
    }
}

impl Drop for Open {
    // Always: where it is not inlined, for a panic, its two words would have to be in memory.
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: [Y1] opened on this thread. Its roots are branded and gone by now.
        unsafe { self.0.cut_roots(self.1) };
    }
}
