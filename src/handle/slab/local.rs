//! A mutator's side of the slabs: allocation without atomics that another thread writes.
//!
//! For each size class a mutator keeps a span of slots that it gives out one after the other, and the pages that it may
//! take the next span from, the last of them first. A page with nothing left is closed and put away, and comes back by a local free or, through the
//! mailbox, after a remote one. When nothing is left the mutator empties its mailbox, adopts a page that another
//! mutator left, or takes a new one. An empty page goes back to the heap unless it is the last of its class.
//!
//! Everything here is touched by the owning mutator only, or by who works on its behalf while it is held.

use super::SlabHeap;
use super::loose::Loose;
use super::page::{self, CLASSES, LocalFree, MAX_SMALL, PageHeader};
use super::parcel::Parcel;
use super::remote::{Mailbox, NONE};
use super::slot;
pub(crate) use super::slot::QUICK;
use super::spans::{Bump, Span};
use crate::handle::PyObject;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;
use std::ptr;

/// The pages of one mutator. Call [`SlabLocal::abandon`] before dropping it: the pages are lost to the heap otherwise.
#[derive(Debug)]
pub(crate) struct SlabLocal {
    owner: *const (),
    mailbox: Option<Arc<Mailbox>>,
    /// The slots to give out next, by class.
    bump: [Bump; CLASSES],
    /// Spans in which young pairs were made since the last minor collection; those of `bump` beside.
    young: Vec<Span>,
    /// Slots that were freed by themselves, to be given out again by themselves, by class.
    loose: [Loose; CLASSES],
    /// Slots of others that it has freed.
    pub(super) parcel: Parcel,
    /// The OPEN pages, by class.
    avail: [Vec<&'static PageHeader>; CLASSES],
    /// All pages.
    own: Vec<&'static PageHeader>,
    /// The pages that the last minor collection has emptied.
    resting: Vec<Resting>,
}

/// A page that a minor collection has emptied.
#[derive(Debug)]
struct Resting {
    page: &'static PageHeader,
    /// What tells it from later uses of the same page, as in `spans.rs`.
    incarnation: u32,
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
            bump: [Bump::EMPTY; CLASSES],
            young: Vec::new(),
            loose: std::array::from_fn(Loose::new),
            parcel: Parcel::new(),
            avail: [const { Vec::new() }; CLASSES],
            own: Vec::new(),
            resting: Vec::new(),
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
        if let Some(slot) = self.loose[class].take() {
            // SAFETY: [Z4] a free slot of this class, whose words 0 and 1 are zero.
            unsafe { slot::zero_tail(slot, page::SIZES[class]) };
            return slot;
        }
        let slot = self.take(heap, class);
        if !slot.is_null() {
            // SAFETY: [Z4] just taken: unused memory of a page of this mutator, of at least that size.
            unsafe { slot::reset(slot) };
        }
        slot
    }

    /// The same, if it is the simplest case: of at most [`QUICK`] bytes, and the memory is what was freed last.
    #[inline(always)]
    pub(crate) fn alloc_loose_quick(&mut self, size: usize) -> Option<*mut u8> {
        let slot = self.loose[page::quick_class(size)].take()?;
        // SAFETY: [Z4] a free slot of this class, whose words 0 and 1 are zero.
        unsafe { slot::zero_tail_quick(slot, size) };
        Some(slot)
    }

    /// A slot for a young pair of at most [`MAX_SMALL`] bytes, which the next minor collection finds in
    /// [`SlabLocal::young_spans`]: zeroed but for words 0 and 1, which the caller sets.
    #[inline(always)]
    pub(crate) fn alloc_young(&mut self, heap: &SlabHeap, size: usize) -> *mut u8 {
        let class = page::class_of(size);
        let slot = self.take(heap, class);
        self.bump[class].young = true;
        slot
    }

    /// The same, if it is the simplest case: a slot of at most [`QUICK`] bytes from the span that is being given out.
    #[inline(always)]
    pub(crate) fn alloc_young_quick(&mut self, size: usize) -> Option<*mut u8> {
        let bump = &mut self.bump[page::quick_class(size)];
        let slot = bump.take()?;
        bump.young = true;
        // SAFETY: [Z4] unused memory of a page of this mutator, of that size.
        unsafe { slot::zero_tail_quick(slot, size) };
        Some(slot)
    }

    /// The same for an object that is not linked.
    #[inline(always)]
    pub(crate) fn alloc_quick(&mut self, size: usize) -> Option<*mut u8> {
        let slot = self.bump[page::quick_class(size)].take()?;
        // SAFETY: [Z4] unused memory of a page of this mutator, of that size.
        unsafe { slot::zero_tail_quick(slot, size) };
        Some(slot)
    }

    /// A slot whose words 0 and 1 are what they were.
    #[inline(always)]
    fn take(&mut self, heap: &SlabHeap, class: usize) -> *mut u8 {
        let slot = match self.bump[class].take() {
            Some(slot) => slot,
            None => match self.take_slow(heap, class) {
                Some(slot) => slot,
                None => return ptr::null_mut(),
            },
        };
        // SAFETY: [Z4] unused memory of a page of this mutator, of that size.
        unsafe { slot::zero_tail(slot, self.bump[class].stride as usize) };
        slot
    }

    #[cold]
    #[inline(never)]
    fn take_slow(&mut self, heap: &SlabHeap, class: usize) -> Option<*mut u8> {
        self.young.extend(self.bump[class].given());
        loop {
            while let Some(&page) = self.avail[class].last() {
                // SAFETY: [Z3] an owner holds its OPEN pages.
                if let Some((first, slots)) = unsafe { page.take_span() } {
                    page.set_idle(false);
                    self.bump[class] = Bump::new(page, first, slots);
                    return self.bump[class].take();
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
            let page = heap.adopt(class).or_else(|| heap.take_page(class));
            let page = page.or_else(|| if self.wake(heap) { heap.take_page(class) } else { None })?;
            self.take_on(heap, page);
            // SAFETY: [Z3] the page was taken from the heap, so this mutator holds it.
            unsafe { page.merge(page.remote().open()) };
            self.list(page);
        }
    }

    /// The spans in which young pairs were made since the last minor collection. What is made from now on is for the next.
    pub(crate) fn young_spans(&mut self) -> Vec<Span> {
        for bump in &mut self.bump {
            self.young.extend(bump.given());
        }
        std::mem::take(&mut self.young)
    }

    /// The same, for the verifier: the next minor collection finds them still.
    pub(crate) fn look_at_young_spans(&self) -> Vec<Span> {
        let mut spans = self.young.clone();
        spans.extend(self.bump.iter().filter_map(|bump| { *bump }.given()));
        spans
    }

    /// Takes an emptied list of spans back, for its memory.
    pub(crate) fn reuse_spans(&mut self, mut spans: Vec<Span>) {
        spans.clear();
        if self.young.is_empty() {
            self.young = spans;
        }
    }

    /// Frees the slots of a span, whose words 0 and 1 stay as they are (see `page.rs`). [`SlabLocal::settle`] follows.
    ///
    /// # Safety
    /// As [`SlabLocal::free`], for each of them; they are on this page, which is this mutator's, and none is free already.
    pub(crate) unsafe fn free_span(&mut self, span: &Span, page: &'static PageHeader) {
        // SAFETY: [Z3] as in `free`.
        let _ = unsafe { page.give_span(span.first(), span.len()) };
    }

    /// After spans of a page were freed: it can be allocated from again, and rests if it is empty.
    pub(crate) fn settle(&mut self, page: &'static PageHeader) {
        if page.is_put_away() {
            if !page.remote().reopen() {
                // POSTED: the mailbox will bring it.
                return;
            }
            self.list(page);
        }
        if page.used() == 0 && !page.is_idle() {
            page.set_idle(true);
            self.resting.push(Resting { page, incarnation: page.incarnation() });
        }
    }

    /// Gives the slots that their pages count as in use, but that are not given out, back to these.
    pub(super) fn give_rest(&mut self, heap: &SlabHeap) {
        self.tidy(heap);
        for class in 0..CLASSES {
            self.young.extend(self.bump[class].given());
            if let Some((first, slots)) = std::mem::replace(&mut self.bump[class], Bump::EMPTY).rest() {
                // SAFETY: [Z2] in a page.
                let page = unsafe { SlabHeap::page(first) };
                // SAFETY: [Z3] of this mutator, since some of it is in use; these slots have not been given out.
                let _ = unsafe { page.give_span(first, slots) };
                self.settle(page);
            }
        }
    }

    /// Gives back the pages that rest; whether there were any.
    #[cold]
    fn wake(&mut self, heap: &SlabHeap) -> bool {
        let mut any = false;
        for resting in std::mem::take(&mut self.resting) {
            let page = resting.page;
            let same = ptr::eq(page.owner(), self.owner) && page.incarnation() == resting.incarnation;
            if same && page.is_idle() && page.used() == 0 && !page.is_put_away() {
                self.unlist(page);
                self.disown(page);
                heap.release(page);
                any = true;
            }
        }
        any
    }

    /// How many pages it has.
    #[cfg(test)]
    pub(crate) fn pages(&self) -> usize {
        self.own.len()
    }

    /// The mutator whose pages these are.
    pub(crate) fn owner(&self) -> *const () {
        self.owner
    }

    #[cold]
    fn alloc_run(&mut self, heap: &SlabHeap, size: usize) -> *mut u8 {
        let page = heap.take_run(size);
        let Some(page) = page.or_else(|| if self.wake(heap) { heap.take_run(size) } else { None }) else {
            return ptr::null_mut();
        };
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
            if !unsafe { self.free_away(heap, page, p) } {
                // SAFETY: [Z4] as the function's.
                unsafe { heap.free_remote(page, p) };
            }
            return;
        }
        // SAFETY: [Z4] as the function's, and the page is this mutator's.
        if !unsafe { self.free_loose(heap, page, p) } {
            // SAFETY: [Z4] as above.
            unsafe { self.free_to_page(heap, page, p) };
        }
    }

    /// The same, if it is the simplest case: a slot of `page`, which is an own one, that may stay loose.
    ///
    /// # Safety
    /// As [`SlabLocal::free`].
    #[inline(always)]
    pub(crate) unsafe fn free_loose(&mut self, heap: &SlabHeap, page: &'static PageHeader, p: *mut u8) -> bool {
        heap.check_free(page, p);
        let Some(loose) = self.loose.get_mut(page.class()) else { return false };
        let may = loose.has_room();
        if may {
            // SAFETY: [Z4] the caller gives the slot up.
            unsafe { loose.put(p) };
        }
        may
    }

    /// Frees a slot of an own page, there.
    unsafe fn free_to_page(&mut self, heap: &SlabHeap, page: &'static PageHeader, p: *mut u8) {
        // SAFETY: [Z4] the caller gives the slot up.
        unsafe { slot::set_free(p) };
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

    /// Gives loose slots back to their pages, and those of others.
    fn tidy(&mut self, heap: &SlabHeap) {
        self.send(heap);
        for class in 0..CLASSES {
            while let Some(slot) = self.loose[class].take() {
                // SAFETY: [Z2] in a page.
                let page = unsafe { SlabHeap::page(slot) };
                // SAFETY: [Z3] of this mutator, and in use by its own account; the slot is free.
                if unsafe { page.push(slot) } == LocalFree::Look {
                    self.free_slow(heap, page);
                }
            }
        }
    }

    /// Gives loose slots back to their pages, and empties the mailbox: takes back what other threads freed in pages that were put away. Cheap when there is
    /// nothing; a mutator that stops allocating calls it now and then (at a minor, say) so that empty pages go back.
    pub(crate) fn collect(&mut self, heap: &SlabHeap) {
        self.tidy(heap);
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

    /// A minor collection begins to end pairs: empties the mailbox, and gives back the pages that the last one has emptied and
    /// that were not used since.
    pub(crate) fn trim(&mut self, heap: &SlabHeap) {
        self.collect(heap);
        self.wake(heap);
    }

    /// The mutator leaves: gives up all pages. Those with live objects are adopted by other mutators. The `SlabLocal`
    /// may be used again afterwards.
    pub(crate) fn abandon(&mut self, heap: &SlabHeap) {
        self.give_rest(heap);
        self.young.clear();
        self.resting.clear();
        self.avail.iter_mut().for_each(Vec::clear);
        for page in std::mem::take(&mut self.own) {
            // SAFETY: [Z3] an owner holds its pages that are not POSTED, and of those the owner field is still its own.
            unsafe { page.disown() };
            if page.is_put_away() {
                // FULL: the next remote free delivers it. POSTED: it is in the mailbox or on its way there.
                continue;
            }
            // SAFETY: [Z3] the page is OPEN, and this mutator still holds it.
            let has_free = unsafe { page.has_free() };
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

    /// Puts an OPEN page below the one of its class that spans are taken from.
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
        }
    }

    fn unlist(&mut self, page: &'static PageHeader) {
        let class = page.class();
        let i = page.avail_index();
        self.avail[class].swap_remove(i);
        if let Some(moved) = self.avail[class].get(i) {
            moved.set_avail_index(i);
        }
    }
}
