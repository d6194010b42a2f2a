//! From any address of the range to the slot that starts there: for checked builds, which are asked about stale addresses.
//!
//! Nothing is assumed of the address, and nothing is read but tables and the headers of pages in use. The answer is about
//! this moment: a page may be given back right after.

use super::SlabHeap;
use super::page::{HEADER_BYTES, PAGE_BYTES};

/// What is at an address of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A slot of that many bytes, free or not, starts there.
    Slot(usize),
    /// The inside of a slot, or of a header.
    Inside,
    /// A page that is not in use: it never was, or was given back.
    Unused,
}

impl SlabHeap {
    /// What is at `address`, which is in the range.
    pub(crate) fn locate(&self, address: usize) -> Place {
        let i = ((address - self.range.page_base(0).addr()) / PAGE_BYTES) as u32;
        if i >= self.range.pages() {
            return Place::Unused;
        }
        if !self.range.is_first(i) {
            // Inside of a run, perhaps: the run's first page is in use and reaches so far.
            let first = (0..i).rev().find(|&first| self.range.is_first(first));
            let in_run = first.is_some_and(|first| first + self.range.header(first).run_pages() > i);
            return if in_run { Place::Inside } else { Place::Unused };
        }
        let page = self.range.header(i);
        let (size, offset) = (page.slot_size(), address & (PAGE_BYTES - 1));
        if size == 0 {
            return Place::Unused;
        }
        let first = offset.wrapping_sub(HEADER_BYTES);
        let whole = page.is_run() || offset + size <= PAGE_BYTES;
        if offset >= HEADER_BYTES && first.is_multiple_of(size) && whole { Place::Slot(size) } else { Place::Inside }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SlabLocal;
    use super::*;

    #[test]
    fn only_the_start_of_a_slot_is_a_slot() {
        let heap = SlabHeap::new(1 << 26, std::ptr::null()).unwrap();
        let mut local = SlabLocal::new(std::ptr::without_provenance(8));
        let base = heap.range.page_base(0).addr();
        assert_eq!(heap.locate(base), Place::Unused);
        let small = local.alloc(&heap, 48).addr();
        assert_eq!(heap.locate(small), Place::Slot(48));
        assert_eq!(heap.locate(small + 8), Place::Inside);
        assert_eq!(heap.locate(small & !(PAGE_BYTES - 1)), Place::Inside);
        let big = local.alloc(&heap, 3 * PAGE_BYTES);
        assert_eq!(heap.locate(big.addr()), Place::Slot(4 * PAGE_BYTES - HEADER_BYTES));
        assert_eq!(heap.locate(big.addr() + 2 * PAGE_BYTES), Place::Inside);
        // SAFETY: from `alloc`, freed once.
        unsafe { local.free(&heap, big) };
        assert_eq!(heap.locate(big.addr()), Place::Unused);
        assert_eq!(heap.locate(big.addr() + 2 * PAGE_BYTES), Place::Unused);
        local.abandon(&heap);
    }
}
