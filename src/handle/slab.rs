//! The slab allocator: memory of `PyObject`s, at addresses that never change.
//!
//! Any thread may free what any other allocated, at any moment, from C code that knows no context; so allocation is in
//! pages of 64 KiB that belong to one mutator each, and what others free goes to a second list of the page, by one
//! compare-exchange for a parcel of them: the idea of mimalloc (Leijen, Zorn and de Moura, 2019). Masking an address finds the page's header
//! and in it the heap and the owner; one bit per 16 bytes, beside the page, says which slots hold *linked* objects, so
//! that the collector scans links in address order.
//!
//! | file | what |
//! |---|---|
//! | `slab.rs` | [`SlabHeap`], what all mutators of a heap share |
//! | `local.rs` | [`SlabLocal`], a mutator's pages |
//! | `page.rs` | [`PageHeader`], size classes, slots, linked bits |
//! | `spans.rs` | consecutive slots: how a mutator gives slots out, and gets those of pairs that died young back |
//! | `loose.rs` | slots that were freed one by one, to be given out again |
//! | `parcel.rs` | slots of another mutator's page, to be handed back together |
//! | `slot.rs` | what is in a slot while it is free |
//! | `remote.rs` | the protocols between threads: states of a page, rules, orderings |
//! | `locate.rs` | what is at an address, for checked builds |
//! | `scan.rs` | what keeps a page from changing class under a scan |
//! | `range.rs` | the address range, free pages, runs of pages |
//!
//! # Who may do what
//!
//! Allocation and local frees: the owning mutator. Remote frees, linked bits and scans: any thread, at any time, with
//! everything else running. Nothing here collects or waits. Mutexes are taken for two rare things only: runs of pages
//! (objects over about 8 KiB) and a mutator's first allocation and departure (its mailbox).
//!
//! # What a scan may meet
//!
//! A scan reports every object whose bit was set before the scan began and is not cleared until it is reached. An
//! object may be unlinked, freed and even allocated again between the look at its bit and the callback. The callback
//! therefore reads `ob_refcnt` and `ob_pypy_link` only, atomically, and takes a link word of 0 as "not linked". Those two
//! words always are the count and the link of some object at that address, alive or dead, or zero: `scan.rs` says why. The memory
//! itself stays readable: nothing is unmapped before the heap is dropped.
//!
//! # Limits
//!
//! The reservation is fixed. A page that was left with live objects of some class serves that class until it is empty
//! and a [`SlabHeap::trim`] finds it so. Slots of a mutator that never calls [`SlabLocal::collect`] or allocates stay
//! in its mailbox; the memory of big objects goes back to the system at once even so.

mod local;
#[cfg(feature = "debug")]
mod locate;
mod loose;
mod page;
mod parcel;
mod range;
mod remote;
mod scan;
mod slot;
mod spans;
#[cfg(test)]
mod tests;

pub(crate) use local::{QUICK, SlabLocal};
#[cfg(feature = "debug")]
pub(crate) use locate::Place;
pub(crate) use page::{MAX_SMALL, PAGE_BYTES, PAGE_OWNER, PageHeader};
pub(crate) use spans::Span;

use crate::handle::PyObject;
use crate::heap::pool::{IndexStack, Links};
use crate::sync::atomic::AtomicU32;
use crate::sync::{Arc, Mutex, MutexGuard};
use page::{CLASSES, HEADER_BYTES, RUN, SIZES};
use parcel::Chain;
use range::Range;
use remote::{Mailbox, Posted, Pushed};
use scan::Scans;
use std::{io, ptr};

/// Mailboxes are never given back before the heap is dropped: a late remote free may still look at one.
#[derive(Debug, Default)]
struct Mailboxes {
    all: Vec<Arc<Mailbox>>,
    closed: Vec<Arc<Mailbox>>,
}

/// The slabs of one heap, shared by its mutators. Dropping it unmaps them: no object, page or [`SlabLocal`] of it may
/// be used afterwards.
#[derive(Debug)]
pub(crate) struct SlabHeap {
    range: Range,
    /// What [`PageHeader::heap`] answers.
    heap: usize,
    /// POSTED pages of mutators that left, by class.
    abandoned: [IndexStack; CLASSES],
    scans: Scans,
    /// Empty pages and runs that wait for the end of a scan.
    deferred: IndexStack,
    mailboxes: Mutex<Mailboxes>,
}

/// A scan under way.
struct Scan<'heap>(&'heap SlabHeap);

impl<'heap> Scan<'heap> {
    fn new(heap: &'heap SlabHeap) -> Scan<'heap> {
        heap.scans.enter();
        Scan(heap)
    }
}

impl Drop for Scan<'_> {
    fn drop(&mut self) {
        if self.0.scans.leave() {
            self.0.give_back_deferred();
        }
    }
}

impl SlabHeap {
    /// Reserves `reserve_bytes` of address space (rounded up to pages of 64 KiB; none of it is memory yet).
    ///
    /// # Errors
    /// `InvalidInput` for 0 or more than 2^48 bytes; else what the system says when it has no address space left.
    pub(crate) fn new(reserve_bytes: usize, heap: *const ()) -> io::Result<SlabHeap> {
        Ok(SlabHeap {
            range: Range::new(reserve_bytes)?,
            heap: heap.expose_provenance(),
            abandoned: std::array::from_fn(|_| IndexStack::new()),
            scans: Scans::new(),
            deferred: IndexStack::new(),
            mailboxes: Mutex::default(),
        })
    }

    /// Whether `address` is in the reserved range.
    #[inline]
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.range.contains(address)
    }

    /// The page of a slot.
    ///
    /// # Safety
    /// `p` is a slot's address from an `alloc`, not freed, and its heap lives as long as the answer is used.
    #[inline]
    pub(crate) unsafe fn page(p: *const u8) -> &'static PageHeader {
        let header = p.map_addr(|a| a & !(PAGE_BYTES - 1)).cast::<PageHeader>();
        // SAFETY: [Z2] slots start in their (first) page, which starts with a header made of atomics.
        unsafe { &*header }
    }

    /// Frees a slot, on any thread: locally when `local` owns its page.
    ///
    /// # Safety
    /// `p` came from an `alloc` of this heap, is not linked, and is not used or freed again.
    #[inline]
    pub(crate) unsafe fn free(&self, local: Option<&mut SlabLocal>, p: *mut u8) {
        match local {
            // SAFETY: [Z4] as the function's.
            Some(local) => unsafe { local.free(self, p) },
            None => {
                // SAFETY: [Z2] by contract `p` is in a slab.
                let page = unsafe { Self::page(p) };
                // SAFETY: [Z4] as the function's.
                unsafe { self.free_remote(page, p) };
            }
        }
    }

    /// Pages that have ever been in use: the bound for [`SlabHeap::for_each_linked_in_page`].
    pub(crate) fn pages(&self) -> u32 {
        self.range.pages()
    }

    /// Calls `f` with every linked object, in address order. What `f` may meet and read: see the module. `f` may free.
    pub(crate) fn for_each_linked(&self, f: &mut dyn FnMut(*mut PyObject)) {
        (0..self.pages()).for_each(|i| self.for_each_linked_in_page(i, f));
    }

    /// The same for page `i`, below [`SlabHeap::pages`], so that several threads can share a scan.
    ///
    /// # Panics
    /// If there is no page `i`.
    pub(crate) fn for_each_linked_in_page(&self, i: u32, f: &mut dyn FnMut(*mut PyObject)) {
        assert!(i < self.pages(), "handfast: there is no slab page {i}");
        let _scan = Scan::new(self);
        page::for_each_linked(self.range.bits(i), self.range.page_base(i), f);
    }

    /// Calls `f` with every slot in use, linked or not, for the leak report.
    ///
    /// # Safety
    /// No thread allocates or frees in this heap's slabs meanwhile, and what they did before happened before this call.
    pub(crate) unsafe fn for_each_allocated(&self, f: &mut dyn FnMut(*mut PyObject)) {
        for i in (0..self.pages()).filter(|&i| self.range.is_first(i)) {
            // SAFETY: [Z5] the page is in use, and while nobody else acts this thread holds it.
            unsafe { self.range.header(i).for_each_allocated(f) };
        }
    }

    /// Bytes of pages that are in use or kept for reuse.
    pub(crate) fn committed_bytes(&self) -> usize {
        self.range.resident() as usize * PAGE_BYTES
    }

    /// Gives back the pages of mutators that left in which nothing lives any more. Once per collection is enough.
    pub(crate) fn trim(&self) {
        for stack in &self.abandoned {
            let mut seen = Vec::new();
            while let Some(i) = stack.pop(&self.range) {
                seen.push(self.range.header(i));
            }
            seen.into_iter().for_each(|page| self.hand_over(page));
        }
    }

    /// The remote free. # Safety: as [`SlabHeap::free`]; `page` is that of `p`.
    unsafe fn free_remote(&self, page: &'static PageHeader, p: *mut u8) {
        self.check_free(page, p);
        if page.is_run() {
            // The owner may take long to look: give the bulk back now. The first system page keeps header and links.
            let start = page.base().wrapping_add(rustix::param::page_size().max(2 * HEADER_BYTES));
            let end = page.base().addr() + page.run_pages() as usize * PAGE_BYTES;
            let _ = self.range.discard(start, end - start.addr());
        }
        // SAFETY: [Z4] as the function's.
        unsafe { self.push_remote(page, p) };
    }

    /// Puts a slot where the page's holder finds it.
    #[inline(always)]
    unsafe fn push_remote(&self, page: &'static PageHeader, p: *mut u8) {
        // SAFETY: [Z4] the caller gives the slot up.
        unsafe { slot::set_free(p) };
        // SAFETY: [Z4] as above.
        unsafe { self.push_chain(&Chain { page, first: p, last: p, last_slots: 1 }) };
    }

    /// The same with a chain of free spans.
    ///
    /// # Safety
    /// They are of that page, and the caller gives them up.
    #[inline]
    unsafe fn push_chain(&self, chain: &Chain) {
        let set_next = |next| {
            // SAFETY: [Z4] the caller's slots, until they are pushed.
            unsafe { slot::set_span(chain.last, ptr::with_exposed_provenance_mut(next), chain.last_slots) };
        };
        if chain.page.remote().push(chain.first.addr(), set_next) == Pushed::MustPost {
            self.deliver(chain.page);
        }
        // Unless it is ours to deliver, the page may be gone by now.
    }

    /// Brings a page that this thread has POSTED to where it will be found.
    #[cold]
    #[inline(never)]
    fn deliver(&self, page: &'static PageHeader) {
        // SAFETY: [Z1] set by the owner before the page was closed; mailboxes live as long as the heap.
        let mailbox = unsafe { &*page.mailbox() };
        if mailbox.post(&self.range, page.index()) == Posted::Closed {
            self.hand_over(page);
        }
    }

    /// Takes a POSTED page without owner from the thread that holds it: gives it back when it is empty, else leaves it
    /// for a mutator to adopt.
    fn hand_over(&self, page: &'static PageHeader) {
        // SAFETY: [Z3] the caller holds the page.
        unsafe { page.merge(page.remote().take()) };
        if page.used() == 0 {
            self.release(page);
        } else {
            self.abandoned[page.class()].push(&self.range, page.index());
        }
    }

    /// A page of `class` that a mutator left.
    fn adopt(&self, class: usize) -> Option<&'static PageHeader> {
        let i = self.abandoned[class].pop(&self.range)?;
        Some(self.range.header(i))
    }

    /// A new page of `class`.
    fn take_page(&self, class: usize) -> Option<&'static PageHeader> {
        let i = self.range.take_page().or_else(|| {
            self.trim();
            self.range.take_page()
        })?;
        Some(self.init(i, class, SIZES[class], 1))
    }

    /// A run of pages for one object of `size` bytes.
    fn take_run(&self, size: usize) -> Option<&'static PageHeader> {
        let pages = u32::try_from(size.checked_add(HEADER_BYTES)?.div_ceil(PAGE_BYTES)).ok()?;
        let i = self.range.take_run(pages).or_else(|| {
            self.trim();
            self.range.take_run(pages)
        })?;
        Some(self.init(i, RUN, pages as usize * PAGE_BYTES - HEADER_BYTES, pages))
    }

    fn init(&self, i: u32, class: usize, slot_size: usize, pages: u32) -> &'static PageHeader {
        let page = self.range.header(i);
        let heap = ptr::with_exposed_provenance(self.heap);
        // SAFETY: [Z3] the page was just taken from the range, so this thread holds it.
        unsafe { page.init(heap, i, self.range.bits(i), class, slot_size, pages) };
        page
    }

    /// Gives a page or run back in which nothing is in use, and which the caller holds; later, when a scan is under way.
    fn release(&self, page: &'static PageHeader) {
        debug_assert!(page.used() == 0);
        let i = page.index();
        // SAFETY: [Z3] the caller holds the page.
        unsafe { page.retire() };
        self.range.set_unused(i);
        if self.scans.idle() {
            self.give_back(i);
        } else {
            self.deferred.push(&self.range, i);
            self.give_back_deferred();
        }
    }

    fn give_back(&self, i: u32) {
        let page = self.range.header(i);
        if page.is_run() { self.range.free_run(i, page.run_pages()) } else { self.range.free_page(i) }
    }

    /// Gives deferred pages back, unless a scan is under way: then the last one to end does.
    #[cold]
    fn give_back_deferred(&self) {
        while self.scans.idle() {
            let Some(i) = self.deferred.pop(&self.range) else { return };
            // A scan may have begun since; only now, with the page in hand, is it known that it saw no bit of it.
            if self.scans.idle() {
                self.give_back(i);
            } else {
                self.deferred.push(&self.range, i);
            }
        }
    }

    fn take_mailbox(&self) -> Arc<Mailbox> {
        let mut mailboxes = self.lock_mailboxes();
        if let Some(mailbox) = mailboxes.closed.pop() {
            mailbox.open();
            return mailbox;
        }
        let mailbox = Arc::new(Mailbox::new());
        mailboxes.all.push(mailbox.clone());
        mailbox
    }

    fn return_mailbox(&self, mailbox: Arc<Mailbox>) {
        self.lock_mailboxes().closed.push(mailbox);
    }

    fn lock_mailboxes(&self) -> MutexGuard<'_, Mailboxes> {
        // Both lists stay valid wherever a panic strikes.
        self.mailboxes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn link_of(&self, i: u32) -> &AtomicU32 {
        self.range.link(i)
    }

    /// In checked builds: `p` is the address of a slot of a page in use of this heap.
    #[inline]
    fn check_free(&self, page: &PageHeader, p: *mut u8) {
        if cfg!(any(debug_assertions, feature = "debug")) {
            assert!(self.contains(p.addr()), "handfast: slab free: {p:p} is not of this heap");
            let (size, offset) = (page.slot_size(), p.addr() & (PAGE_BYTES - 1));
            assert!(size != 0, "handfast: slab free: {p:p} is free already");
            let slot = offset >= HEADER_BYTES && (offset - HEADER_BYTES).is_multiple_of(size);
            assert!(slot, "handfast: slab free: {p:p} is inside an object");
            assert!(!page.is_linked(p.cast()), "handfast: slab free: {p:p} is linked");
        }
    }
}
