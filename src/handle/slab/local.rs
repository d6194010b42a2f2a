//! A mutator's side of the slabs: allocation without atomics that another thread writes.
//!
//! For each size class a mutator keeps the pages that it may allocate from; the last of them is the *current* one, of
//! which it pops slots. A page with nothing left is closed and put away, and comes back by a local free or, through the
//! mailbox, after a remote one. When nothing is left the mutator empties its mailbox, adopts a page that another
//! mutator left, or takes a new one. An empty page goes back to the heap unless it is the last of its class.
//!
//! Everything here is touched by the owning mutator only, or by who works on its behalf while it is held.

use super::SlabHeap;
use super::page::{self, CLASSES, LocalFree, MAX_SMALL, PageHeader};
use super::remote::{Mailbox, NONE};
use crate::handle::PyObject;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;
use std::ptr;

/// The pages of one mutator. Call [`SlabLocal::abandon`] before dropping it: the pages are lost to the heap otherwise.
#[derive(Debug)]
pub(crate) struct SlabLocal {
    owner: *const (),
    mailbox: Option<Arc<Mailbox>>,
    /// The last page of each list of `avail`.
    current: [Option<&'static PageHeader>; CLASSES],
    /// The OPEN pages, by class.
    avail: [Vec<&'static PageHeader>; CLASSES],
    /// All pages.
    own: Vec<&'static PageHeader>,
}

// SAFETY: [Z3] nothing in it depends on the thread; a held mutator's part is used by the thread that holds it.
unsafe impl Send for SlabLocal {}

impl SlabLocal {
    /// The slabs of the mutator `owner`: any address but null that no other mutator of the heap has meanwhile.
    pub(crate) fn new(owner: *const ()) -> SlabLocal {
        assert!(!owner.is_null(), "handfast: SlabLocal::new: null owner");
        SlabLocal {
            owner,
            mailbox: None,
            current: [None; CLASSES],
            avail: [const { Vec::new() }; CLASSES],
            own: Vec::new(),
        }
    }

    /// A slot of at least `size` (24 or more) bytes: zeroed, 16-byte aligned, not linked; null when there is no memory.
    /// `heap` is the same at every call on this `SlabLocal`. Never collects.
    #[inline]
    pub(crate) fn alloc(&mut self, heap: &SlabHeap, size: usize) -> *mut u8 {
        debug_assert!(size >= size_of::<PyObject>(), "handfast: slab alloc: {size} bytes hold no PyObject");
        if size > MAX_SMALL {
            return self.alloc_run(heap, size);
        }
        let class = page::class_of(size);
        if let Some(page) = self.current[class] {
            // SAFETY: [Z3] an owner holds its OPEN pages.
            let slot = unsafe { page.pop() };
            if !slot.is_null() {
                return slot;
            }
        }
        self.alloc_slow(heap, class)
    }

    #[cold]
    fn alloc_slow(&mut self, heap: &SlabHeap, class: usize) -> *mut u8 {
        loop {
            while let Some(&page) = self.avail[class].last() {
                // SAFETY: [Z3] an owner holds its OPEN pages.
                if unsafe { page.refill() } {
                    self.current[class] = Some(page);
                    // SAFETY: [Z3] as above.
                    return unsafe { page.pop() };
                }
                // False: a slot was freed remotely meanwhile, and the next turn finds it.
                if page.remote().close() {
                    self.unlist(page);
                    page.set_put_away(true);
                }
            }
            self.collect(heap);
            if !self.avail[class].is_empty() {
                continue;
            }
            let Some(page) = heap.adopt(class).or_else(|| heap.take_page(class)) else {
                return ptr::null_mut();
            };
            self.take_on(heap, page);
            // SAFETY: [Z3] the page was taken from the heap, so this mutator holds it.
            unsafe { page.merge(page.remote().open()) };
            self.list(page);
        }
    }

    #[cold]
    fn alloc_run(&mut self, heap: &SlabHeap, size: usize) -> *mut u8 {
        let Some(page) = heap.take_run(size) else { return ptr::null_mut() };
        self.take_on(heap, page);
        // SAFETY: [Z3] the run was just taken, so this mutator holds it.
        unsafe { page.take_run_slot() }
    }

    /// Frees a slot. Any mutator's slot will do; the own ones are freed without an atomic exchange.
    ///
    /// # Safety
    /// `p` came from an `alloc` of the same heap, is not linked, and is not used or freed again.
    #[inline]
    pub(crate) unsafe fn free(&mut self, heap: &SlabHeap, p: *mut u8) {
        // SAFETY: [Z2] by contract `p` is in a slab.
        let page = unsafe { SlabHeap::page(p) };
        if page.owner() != self.owner {
            // SAFETY: [Z4] as the function's.
            return unsafe { heap.free_remote(page, p) };
        }
        heap.check_free(page, p);
        // SAFETY: [Z3] the page's owner holds it (owner-side fields of a POSTED page: nobody has taken it yet, and only
        // this mutator's mailbox can deliver it while it is the owner); `p` is a slot of it that the caller gives up.
        if unsafe { page.push(p) } == LocalFree::Look {
            self.free_slow(heap, page);
        }
    }

    #[cold]
    fn free_slow(&mut self, heap: &SlabHeap, page: &'static PageHeader) {
        if page.is_put_away() {
            if page.is_run() {
                self.disown(page);
                return heap.release(page);
            }
            if !page.remote().reopen() {
                // POSTED: the mailbox will bring it.
                return;
            }
            self.list(page);
        }
        if page.used() == 0 && self.avail[page.class()].len() > 1 {
            self.unlist(page);
            self.disown(page);
            heap.release(page);
        }
    }

    /// Empties the mailbox: takes back what other threads freed in pages that were put away. Cheap when there is
    /// nothing; a mutator that stops allocating calls it now and then (at a minor, say) so that empty pages go back.
    pub(crate) fn collect(&mut self, heap: &SlabHeap) {
        let Some(mailbox) = &self.mailbox else { return };
        let mut i = mailbox.take();
        while i != NONE {
            let page = heap.range.header(i);
            i = heap.link_of(i).load(Ordering::Relaxed);
            if page.owner() != self.owner {
                // Left by the former owner of the mailbox (`remote.rs`, rule 3).
                self.take_on(heap, page);
            }
            // SAFETY: [Z3] the page came out of the mailbox, so this mutator holds it.
            unsafe { page.merge(page.remote().open()) };
            if page.used() == 0 && (page.is_run() || !self.avail[page.class()].is_empty()) {
                self.disown(page);
                heap.release(page);
            } else {
                self.list(page);
            }
        }
    }

    /// The mutator leaves: gives up all pages. Those with live objects are adopted by other mutators. The `SlabLocal`
    /// may be used again afterwards.
    pub(crate) fn abandon(&mut self, heap: &SlabHeap) {
        self.current = [None; CLASSES];
        self.avail.iter_mut().for_each(Vec::clear);
        for page in std::mem::take(&mut self.own) {
            // SAFETY: [Z3] an owner holds its pages that are not POSTED, and of those the owner field is still its own.
            unsafe { page.disown() };
            if page.is_put_away() {
                // FULL: the next remote free delivers it. POSTED: it is in the mailbox or on its way there.
                continue;
            }
            // SAFETY: [Z3] the page is OPEN, and this mutator still holds it.
            let has_free = unsafe { page.refill() };
            if page.used() == 0 {
                heap.release(page);
                continue;
            }
            page.set_put_away(true);
            if has_free || !page.remote().close() {
                page.remote().post();
                heap.hand_over(page);
            }
        }
        if let Some(mailbox) = self.mailbox.take() {
            let mut i = mailbox.close();
            while i != NONE {
                let page = heap.range.header(i);
                i = heap.link_of(i).load(Ordering::Relaxed);
                heap.hand_over(page);
            }
            heap.return_mailbox(mailbox);
        }
    }

    /// Calls `f` with every linked object on this mutator's pages; also those that it adopted with a page.
    pub(crate) fn for_each_linked(&self, f: &mut dyn FnMut(*mut PyObject)) {
        for page in &self.own {
            page::for_each_linked(page.linked(), page.base(), f);
        }
    }

    /// Makes a page that this mutator holds its own.
    fn take_on(&mut self, heap: &SlabHeap, page: &'static PageHeader) {
        let mailbox = self.mailbox.get_or_insert_with(|| heap.take_mailbox());
        // SAFETY: [Z3] the caller holds the page.
        unsafe { page.set_owner(self.owner, Arc::as_ptr(mailbox)) };
        page.set_own_index(self.own.len());
        page.set_put_away(true);
        self.own.push(page);
    }

    fn disown(&mut self, page: &'static PageHeader) {
        let i = page.own_index();
        self.own.swap_remove(i);
        if let Some(moved) = self.own.get(i) {
            moved.set_own_index(i);
        }
    }

    /// Puts an OPEN page below the current one of its class.
    fn list(&mut self, page: &'static PageHeader) {
        let class = page.class();
        let avail = &mut self.avail[class];
        page.set_put_away(false);
        avail.push(page);
        if let [.., below, last] = avail.as_mut_slice() {
            std::mem::swap(below, last);
            last.set_avail_index(avail.len() - 1);
            page.set_avail_index(avail.len() - 2);
        } else {
            page.set_avail_index(0);
            self.current[class] = Some(page);
        }
    }

    fn unlist(&mut self, page: &'static PageHeader) {
        let class = page.class();
        let i = page.avail_index();
        self.avail[class].swap_remove(i);
        if let Some(moved) = self.avail[class].get(i) {
            moved.set_avail_index(i);
        }
        self.current[class] = self.avail[class].last().copied();
    }
}
