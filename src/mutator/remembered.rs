//! The remembered set: where private old objects refer to young ones.
//!
//! A small object is remembered whole, once: the barrier takes its `UNLOGGED` flag away, and the next minor collection
//! gives it back. Of a larger one (a table, an array) only the stored slots are remembered, because scanning all of a
//! big table at every minor collection would cost milliseconds; its flag stays, and when so many slots are remembered that
//! to look at all of it costs no more, it is remembered whole after all.

use crate::object::header::UNLOGGED;
use crate::object::{Object, Slot};

/// Objects of up to this many bytes are remembered whole.
const WHOLE: usize = 256;
/// Slots that may be remembered before an object is remembered whole, and for a larger object: one for so many bytes. A
/// slot at random costs about as much as a line of the cache that is scanned.
const MAX_SLOTS: usize = 1 << 16;
const BYTES_OF_SLOT: usize = 64;

/// A mutator's remembered set.
#[derive(Debug, Default)]
pub struct RememberedSet {
    /// Whole objects.
    pub objects: Vec<*mut Object>,
    /// Single slots.
    pub slots: Vec<Slot>,
}

impl RememberedSet {
    /// Remembers that `slot` of the private old object `source` may hold a young one.
    ///
    /// # Safety
    /// `source` is a live private old object of this mutator and `slot` one of its slots.
    #[inline]
    pub unsafe fn remember(&mut self, source: *mut Object, slot: Slot) {
        // SAFETY: [H2] the caller says that it is live.
        let (header, extent) = unsafe { (&*source, Object::extent(source)) };
        if header.flags() & UNLOGGED == 0 {
            return;
        }
        if extent.bytes > WHOLE && self.slots.len() < MAX_SLOTS.max(extent.bytes / BYTES_OF_SLOT) {
            self.slots.push(slot);
        } else {
            header.set_flags_private(0, UNLOGGED);
            self.objects.push(source);
        }
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.slots.is_empty()
    }
}
