//! Loose slots: what a mutator frees one by one and gives out again, without a word to the pages.
//!
//! C makes and drops objects of its own as fast as it calls malloc, a few at a time. A slot that its own mutator frees goes
//! on a stack of its class, and the next C-only object of the class takes it from there: the last that was freed, which is
//! in the cache still. (CPython's free lists do so by type, mimalloc by page.) For its page the slot stays in use, so
//! neither way touches the page's header.
//!
//! # Rules
//!
//! 1. At most a page's worth of slots of each class is loose; what is freed beyond that goes to its page. Before a mutator
//!    takes a new page, at each minor collection and when it leaves, all loose slots go back to theirs.
//! 2. A loose slot is a free slot (`slot.rs`): its words 0 and 1 are zero, so a scan, or a minor collection that walks a
//!    span in which the slot once was, sees nothing to do.
//! 3. It is given out for an object without a link only: what may be a young pair comes from a span (`spans.rs`).

use super::page;
use super::slot;
use std::ptr;

/// The loose slots of one class.
#[derive(Debug)]
pub(super) struct Loose {
    first: *mut u8,
    /// How many more there may be.
    room: u32,
}

impl Loose {
    /// None yet.
    pub(super) fn new(class: usize) -> Loose {
        Loose { first: ptr::null_mut(), room: page::capacity(class) }
    }

    /// Whether one more is allowed (rule 1).
    #[inline(always)]
    pub(super) fn has_room(&self) -> bool {
        self.room != 0
    }

    /// Takes the last slot. Its words 0 and 1 are zero.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<*mut u8> {
        let slot = self.first;
        if slot.is_null() {
            return None;
        }
        // SAFETY: [Z4] a free slot of a page of this mutator, put here below.
        (self.first, _) = unsafe { slot::span(slot) };
        self.room += 1;
        Some(slot)
    }

    /// Adds a slot.
    ///
    /// # Safety
    /// `slot` is one of this class on a page of this mutator, and the caller gives it up. There is room.
    #[inline(always)]
    pub(super) unsafe fn put(&mut self, slot: *mut u8) {
        // SAFETY: [Z4] the caller's promise.
        unsafe { slot::set_free(slot) };
        // SAFETY: [Z4] as above.
        unsafe { slot::set_span(slot, self.first, 1) };
        self.first = slot;
        self.room -= 1;
    }
}
