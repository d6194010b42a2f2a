//! Spans: consecutive slots of one page, which a mutator gives out by moving a cursor ([`Bump`]).
//!
//! Most pairs are made for a call and die before the next minor collection, all of them together. So slots are given out
//! in address order, and the spans in which pairs were made since the last minor are remembered ([`Span`]): that minor
//! finds its young links by walking them, and a span of which everything has died goes back in one step, whatever its
//! length. (The nursery of objects works alike; the free list of a page is a list of spans.)
//!
//! # Rules
//!
//! 1. A slot is in use from the moment when its span leaves the page's free list: `used` counts the slots that the cursor
//!    has not reached yet.
//! 2. A span is remembered with its page's *incarnation*. A page that is given back meanwhile gets another one when it is
//!    taken again, by whomever: the span is then no longer ours, and skipped ([`Span::page`]).
//! 3. A slot that is freed by itself may be given out again in another span before the minor comes, and is in both then.
//!    Its page is *mixed* from then on: its spans go back slot by slot, and each slot's link word, which the first visit
//!    clears, tells the second that there is nothing to do.

#[cfg(test)]
mod tests;

use super::SlabHeap;
use super::page::PageHeader;
use crate::handle::PyObject;
use std::ptr;

/// Where a mutator's next slot of a size class comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bump {
    /// The next slot.
    pub(super) at: usize,
    /// One past the last slot.
    pub(super) end: usize,
    /// Bytes of a slot.
    pub(super) stride: u32,
    /// A pair was made in it since `from`.
    pub(super) young: bool,
    /// Where the part begins that no minor has seen.
    from: usize,
    incarnation: u32,
}

impl Bump {
    /// No slots.
    pub(super) const EMPTY: Bump = Bump { at: 0, end: 0, stride: 0, young: false, from: 0, incarnation: 0 };

    /// `slots` slots of a page, from `first` on.
    pub(super) fn new(page: &PageHeader, first: *mut u8, slots: u32) -> Bump {
        let (at, stride) = (first.addr(), page.slot_size());
        Bump {
            at,
            end: at + slots as usize * stride,
            stride: stride as u32,
            young: false,
            from: at,
            incarnation: page.incarnation(),
        }
    }

    /// The next slot.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<*mut u8> {
        if self.at == self.end {
            return None;
        }
        let slot = self.at;
        self.at += self.stride as usize;
        Some(ptr::with_exposed_provenance_mut(slot))
    }

    /// What was given out since the last call, if pairs were made in it.
    pub(super) fn given(&mut self) -> Option<Span> {
        let from = std::mem::replace(&mut self.from, self.at);
        let young = std::mem::take(&mut self.young);
        (young && from != self.at).then_some(Span {
            from,
            to: self.at,
            stride: self.stride,
            incarnation: self.incarnation,
            dead: false,
        })
    }

    /// The slots that were not given out, if there are any: the first of them, and how many.
    pub(super) fn rest(&self) -> Option<(*mut u8, u32)> {
        let slots = (self.end - self.at).checked_div(self.stride as usize)? as u32;
        (slots != 0).then(|| (ptr::with_exposed_provenance_mut(self.at), slots))
    }
}

/// Slots in which young pairs were made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    from: usize,
    to: usize,
    stride: u32,
    incarnation: u32,
    /// Every slot of it holds a young light pair that C does not hold: it will die, unless its object is reached.
    pub(crate) dead: bool,
}

impl Span {
    /// Its page, if it still is this mutator's (rule 2).
    pub(crate) fn page(&self, owner: *const ()) -> Option<&'static PageHeader> {
        // SAFETY: [Z2] headers stay readable.
        let page = unsafe { SlabHeap::page(ptr::with_exposed_provenance(self.from)) };
        (ptr::eq(page.owner(), owner) && page.incarnation() == self.incarnation).then_some(page)
    }

    /// Its slots.
    #[inline(always)]
    pub(crate) fn slots(&self) -> impl Iterator<Item = *mut PyObject> + use<> {
        let (mut at, to, stride) = (self.from, self.to, self.stride as usize);
        std::iter::from_fn(move || {
            let slot = at;
            at += stride;
            (slot != to).then(|| ptr::with_exposed_provenance_mut(slot))
        })
    }

    /// How many they are.
    pub(crate) fn len(&self) -> u32 {
        ((self.to - self.from) / self.stride as usize) as u32
    }

    /// The part of it from one of its slots on, of so many slots.
    pub(crate) fn part(&self, first: *mut PyObject, slots: u32) -> Span {
        let from = first.addr();
        Span { from, to: from + slots as usize * self.stride as usize, ..*self }
    }

    /// Its first slot.
    pub(super) fn first(&self) -> *mut u8 {
        ptr::with_exposed_provenance_mut(self.from)
    }
}
