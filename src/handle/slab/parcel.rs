//! A parcel: slots of one page of another mutator's that this one has freed and not handed back yet.
//!
//! Handing back a slot costs a compare-exchange on a word that the page's owner, and everybody else who frees there,
//! writes, too. What one thread makes and another drops comes in runs, mostly: neighbours of one page, one after the
//! other. So who frees such a slot keeps it until the parcel is full or the next one is of another page, and pushes all
//! of them at once. Neighbours are put together to *spans* (`spans.rs`) meanwhile, and of a span only the first slot is
//! written into: the owner, who takes it back, touches one cache line of it where a list of single slots would lead it
//! through each of them.
//!
//! # Rules
//!
//! 1. A slot in a parcel is a free slot (`slot.rs`) that its page counts as in use. So the page stays what it is, whatever
//!    its owner does meanwhile: leave, or come to be the very mutator whose parcel it is.
//! 2. A parcel has at most [`MOST`] slots, and at most an eighth of those of a page: no more memory than that waits for a
//!    thread that frees nothing any more. It is sent off at each minor collection, before a new page is taken, when its
//!    mutator goes into native code and when it leaves: who waits for nothing but the next slot to free holds up nobody.
//! 3. Runs are not put into parcels: their memory goes back at once.

#[cfg(test)]
mod tests;

use super::page::PageHeader;
use super::{SlabHeap, SlabLocal, slot};
use std::ptr;

/// The most slots of a parcel.
const MOST: u32 = 64;

/// Slots of one page.
#[derive(Debug)]
pub(super) struct Parcel {
    /// Null: the parcel is empty.
    page: *const PageHeader,
    /// The slots from here to `to`, which are not in the chain yet.
    from: usize,
    to: usize,
    stride: usize,
    /// How many more there may be.
    room: u32,
    /// Spans that are complete, the newest first; null: none.
    chain: *mut u8,
    /// The oldest of them.
    last: *mut u8,
    last_slots: u32,
}

/// What is pushed: a chain of spans, the last of which has no next one yet.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub(super) page: &'static PageHeader,
    pub(super) first: *mut u8,
    pub(super) last: *mut u8,
    pub(super) last_slots: u32,
}

impl Parcel {
    /// Nothing.
    pub(super) const fn new() -> Parcel {
        Parcel {
            page: ptr::null(),
            from: 0,
            to: 0,
            stride: 0,
            room: 0,
            chain: ptr::null_mut(),
            last: ptr::null_mut(),
            last_slots: 0,
        }
    }

    /// Adds a slot, if it is of the same page and there is room.
    ///
    /// # Safety
    /// `p` is a slot of `page`, which is not a run and not this mutator's, and the caller gives it up if the answer is true.
    #[inline(always)]
    pub(super) unsafe fn add(&mut self, page: &'static PageHeader, p: *mut u8) -> bool {
        if !ptr::eq(self.page, page) || self.room == 0 {
            return false;
        }
        // SAFETY: [Z4] the caller gives the slot up.
        unsafe { slot::set_free(p) };
        self.room -= 1;
        let at = p.addr();
        if at == self.to {
            self.to = at + self.stride;
        } else if at + self.stride == self.from {
            self.from = at;
        } else {
            self.begin_span(at);
        }
        true
    }

    /// Begins a parcel with a slot. It was empty.
    ///
    /// # Safety
    /// As [`Parcel::add`].
    pub(super) unsafe fn begin(&mut self, page: &'static PageHeader, p: *mut u8) {
        debug_assert!(self.page.is_null());
        // SAFETY: [Z4] the caller gives the slot up.
        unsafe { slot::set_free(p) };
        self.page = page;
        self.stride = page.slot_size();
        self.room = (super::page::capacity(page.class()) / 8).clamp(1, MOST) - 1;
        (self.from, self.to) = (p.addr(), p.addr() + self.stride);
    }

    /// Another span begins.
    fn begin_span(&mut self, at: usize) {
        let (first, slots) = (ptr::with_exposed_provenance_mut(self.from), (self.to - self.from) / self.stride);
        if self.chain.is_null() {
            (self.last, self.last_slots) = (first, slots as u32);
        } else {
            // SAFETY: [Z4] slots of a parcel are unused memory of their page (rule 1).
            unsafe { slot::set_span(first, self.chain, slots as u32) };
        }
        self.chain = first;
        (self.from, self.to) = (at, at + self.stride);
    }

    /// Empties it.
    pub(super) fn take(&mut self) -> Option<Chain> {
        // SAFETY: [Z2] headers stay readable.
        let page = unsafe { self.page.as_ref() }?;
        // The last span goes into the chain; of the one that begins there is nothing.
        self.begin_span(0);
        let chain = Chain { page, first: self.chain, last: self.last, last_slots: self.last_slots };
        *self = Parcel::new();
        Some(chain)
    }
}

impl SlabLocal {
    /// Frees a slot of another mutator's page of many; false, and nothing has happened, for a run.
    ///
    /// # Safety
    /// As [`SlabLocal::free`]; `page` is that of `p`.
    #[inline(always)]
    pub(crate) unsafe fn free_away(&mut self, heap: &SlabHeap, page: &'static PageHeader, p: *mut u8) -> bool {
        heap.check_free(page, p);
        // SAFETY: [Z4] the caller gives the slot up.
        if unsafe { self.parcel.add(page, p) } {
            return true;
        }
        // SAFETY: [Z4] as above.
        unsafe { self.free_first(heap, page, p) }
    }

    /// The same for the first slot of a parcel.
    #[inline(never)]
    unsafe fn free_first(&mut self, heap: &SlabHeap, page: &'static PageHeader, p: *mut u8) -> bool {
        if page.is_run() {
            return false;
        }
        self.send(heap);
        // SAFETY: [Z4] the caller gives the slot up.
        unsafe { self.parcel.begin(page, p) };
        true
    }

    /// Hands the slots of others that this mutator has freed back to their page.
    pub(crate) fn send(&mut self, heap: &SlabHeap) {
        if let Some(chain) = self.parcel.take() {
            // SAFETY: [Z4] slots of the parcel are given up (`parcel.rs`, rule 1).
            unsafe { heap.push_chain(&chain) };
        }
    }
}
