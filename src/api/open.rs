//! What is open while a scope is: the height of the root stack below it.
//!
//! A guard of two words that is inlined whole, the way out of a panic included, so that both stay in registers. A scope
//! closes with everything that was rooted in it, or with one object less, which is rooted in the scope around it then:
//! that takes the first slot of those that go, so it need not ask for room.

use crate::api::local::Local;
use crate::api::raw;
use crate::mutator::roots::Height;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

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
    /// A root of the scope that this opened; `'s` is the one around it.
    #[inline(always)]
    pub(crate) unsafe fn close_but<'s, T>(self, root: Local<'_, T>) -> Local<'s, T> {
        let this = ManuallyDrop::new(self);
        // The root's, which is the same: that need not be kept over what was done in the scope.
        let mutator = root.mutator();
        debug_assert!(mutator == this.0, "a root of another mutator");
        // Not atomic, so that nothing is read at all where the root was made just now.
        // SAFETY: [Y3] a root of this thread, which is the only one to use it while it runs.
        let object = unsafe { root.slot().read() };
        // SAFETY: [Y1] opened on this thread. The other roots are branded and gone by now.
        let slot = unsafe { mutator.cut_roots_to_one(this.1, object) };
        // SAFETY: [Y3] a root slot is never null.
        let slot = unsafe { NonNull::new_unchecked(slot) };
        // SAFETY: [Y3] a new slot of the scope around, which is the innermost again.
        unsafe { Local::new(slot, mutator) }
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
