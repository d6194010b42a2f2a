//! One slab page: its header, its slots, its size class and its linked bits.
//!
//! A page is 64 KiB, aligned to 64 KiB, so that masking the address of any slot finds its header. The header is three
//! cache lines: what is set when the page is taken, the owner's side, and the word that remote frees push to. All its
//! fields are atomics, because a late reader may look at the header of a page that changes hands; those of the owner's
//! side are relaxed and touched by the page's *holder* only (see `remote.rs`, rule 1).
//!
//! # Slots
//!
//! Slots are multiples of 16 bytes, 16-byte aligned, at least 32. The free list of a page is a list of *spans*: the first slot
//! of each has the next span and its own length in word 2 (a slot that was freed by itself is a span of one). Words 0 and
//! 1 of a free slot (`ob_refcnt` and `ob_pypy_link`) are zero, or what a young pair that died left there: a scan that
//! still holds the address of a slot freed meanwhile reads those two words atomically and sees an object that is not
//! linked, or a young link, which is no business of a scan. In checked builds word 3 of a slot that was freed by itself
//! holds a mark that finds double frees.
//!
//! # Linked bits
//!
//! One bit per 16-byte granule, in a table beside the pages (not in them: a scan must never read the middle of a big
//! object as bits). `set_linked` releases, the scan acquires: it sees what was written to the object before.

use super::remote::{Mailbox, RemoteFrees};
use super::slot;
use crate::handle::PyObject;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::ptr;

/// Bytes, and alignment, of a page.
pub(crate) const PAGE_BYTES: usize = 1 << 16;
/// Bytes per linked bit, and the unit of slot sizes.
pub(super) const GRANULE: usize = 16;
/// Where the first slot starts.
pub(super) const HEADER_BYTES: usize = size_of::<PageHeader>();
/// The largest slot of a shared page: eight of them fit. Bigger objects get a run of pages of their own.
pub(crate) const MAX_SMALL: usize = (PAGE_BYTES - HEADER_BYTES) / 8 / GRANULE * GRANULE;
/// Number of size classes.
pub(super) const CLASSES: usize = 55;
/// The class of a run: of no list and no stack.
pub(super) const RUN: usize = CLASSES;

/// Classes below this one are all multiples of 16 from 32 to 256; above, eight steps per doubling.
const LINEAR: usize = 15;

const fn class_size(class: usize) -> usize {
    if class < LINEAR {
        return 2 * GRANULE + class * GRANULE;
    }
    let octave = (class - LINEAR) / 8;
    let step = (class - LINEAR) % 8 + 1;
    let size = (256 << octave) + step * (32 << octave);
    if size < MAX_SMALL { size } else { MAX_SMALL }
}

/// Slot bytes of each class.
pub(super) static SIZES: [usize; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        sizes[class] = class_size(class);
        class += 1;
    }
    sizes
};

/// The class of a size in granules, rounded up.
static CLASS_OF: [u8; MAX_SMALL / GRANULE + 1] = {
    let mut table = [0; MAX_SMALL / GRANULE + 1];
    let (mut granules, mut class) = (0, 0);
    while granules < table.len() {
        if granules * GRANULE > class_size(class) {
            class += 1;
        }
        table[granules] = class as u8;
        granules += 1;
    }
    table
};

/// The class of an object of `size` bytes, at most [`MAX_SMALL`].
#[inline]
pub(super) fn class_of(size: usize) -> usize {
    usize::from(CLASS_OF[size.div_ceil(GRANULE)])
}

/// The same for more than a granule and at most [`slot::QUICK`] bytes: the linear classes need no table.
#[inline(always)]
pub(super) fn quick_class(size: usize) -> usize {
    debug_assert!((GRANULE + 1..=slot::QUICK).contains(&size));
    (size - 1) / GRANULE - 1
}

/// How many slots of a class a page has.
pub(super) fn capacity(class: usize) -> u32 {
    ((PAGE_BYTES - HEADER_BYTES) / SIZES[class]) as u32
}

/// The linked bits of one page.
pub(super) type LinkedBits = [AtomicU64; PAGE_BYTES / GRANULE / 64];

/// Calls `f` with each address of the page at `base` whose bit is set, in order; bits set before the call are found.
pub(super) fn for_each_linked(bits: &LinkedBits, base: *mut u8, f: &mut dyn FnMut(*mut PyObject)) {
    for (w, word) in bits.iter().enumerate() {
        // Acquire: [S-bit].
        let mut set = word.load(Ordering::Acquire);
        while set != 0 {
            let granule = w * 64 + set.trailing_zeros() as usize;
            set &= set - 1;
            f(base.wrapping_add(granule * GRANULE).cast());
        }
    }
}

/// Whether a local free needs more than the push.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LocalFree {
    /// No.
    Quiet,
    /// The page is empty now, or it was put away.
    Look,
}

/// What only the holder touches. Relaxed throughout: hand-overs order it.
#[repr(C, align(64))]
#[derive(Debug)]
struct OwnerSide {
    /// The first free span.
    free: AtomicPtr<u8>,
    /// Slots given out, counting those freed remotely and not collected yet, and those of a span that its owner's cursor
    /// has not reached.
    used: AtomicU32,
    /// Slots that have been in a span at least once since the page was empty.
    extended: AtomicU32,
    capacity: AtomicU32,
    /// Place in its owner's list of all its pages.
    own_index: AtomicU32,
    /// Place in its owner's list of pages to allocate from.
    avail_index: AtomicU32,
    /// In no list to allocate from.
    put_away: AtomicBool,
    /// Empty, and not allocated from since its owner last looked.
    idle: AtomicBool,
    /// Slots were freed by themselves since its owner's last minor collection (`spans.rs`, rule 3), or survived it.
    mixed: AtomicBool,
    /// Changes whenever the page is taken into use.
    incarnation: AtomicU32,
}

#[repr(C, align(64))]
#[derive(Debug)]
struct RemoteSide(RemoteFrees);

/// The first bytes of every slab page. Zeroed memory is a valid header (of no page).
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct PageHeader {
    heap: AtomicPtr<()>,
    owner: AtomicPtr<()>,
    linked: AtomicPtr<LinkedBits>,
    mailbox: AtomicPtr<Mailbox>,
    /// 0: the page is not in use.
    slot_size: AtomicUsize,
    index: AtomicU32,
    class: AtomicU32,
    run_pages: AtomicU32,
    own: OwnerSide,
    remote: RemoteSide,
}

/// Where a page names its owner: C's inline crossing looks there.
pub(crate) const PAGE_OWNER: usize = std::mem::offset_of!(PageHeader, owner);

impl PageHeader {
    /// The heap address given to `SlabHeap::new`.
    #[cfg(test)]
    pub(crate) fn heap(&self) -> *const () {
        self.heap.load(Ordering::Relaxed)
    }

    /// The owning mutator as given to `SlabLocal::new`; null once it has left. Acquire, [S-owner]: pairs with the store at
    /// adoption and at leaving, so who sees null sees what the mutator did before it left.
    #[inline]
    pub(crate) fn owner(&self) -> *const () {
        self.owner.load(Ordering::Acquire)
    }

    /// Marks the slot `p` of this page as linked, so that scans report it. Any thread that holds `p` alive.
    #[inline]
    pub(crate) fn set_linked(&self, p: *const PyObject) {
        let (word, bit) = self.bit(p);
        // Release, [S-bit]: the scan that sees the bit sees the link word and the count written before.
        let old = word.fetch_or(bit, Ordering::Release);
        debug_assert!(old & bit == 0, "handfast: set_linked: {p:p} is linked already");
    }

    /// Takes the mark of [`PageHeader::set_linked`] away. Any thread that holds `p` alive; before `p` is freed.
    #[inline]
    pub(crate) fn clear_linked(&self, p: *const PyObject) {
        let (word, bit) = self.bit(p);
        // Relaxed: a scan that misses this sees a slot that is being unlinked, which it must expect anyway.
        let old = word.fetch_and(!bit, Ordering::Relaxed);
        debug_assert!(old & bit != 0, "handfast: clear_linked: {p:p} is not linked");
    }

    /// Whether `p` is marked as linked.
    #[inline]
    pub(crate) fn is_linked(&self, p: *const PyObject) -> bool {
        let (word, bit) = self.bit(p);
        word.load(Ordering::Acquire) & bit != 0
    }

    /// Bytes of each slot of the page; 0 when the page is not in use.
    #[inline]
    pub(crate) fn slot_size(&self) -> usize {
        self.slot_size.load(Ordering::Relaxed)
    }

    fn bit(&self, p: *const PyObject) -> (&AtomicU64, u64) {
        let granule = (p.addr() & (PAGE_BYTES - 1)) / GRANULE;
        (&self.linked()[granule / 64], 1 << (granule % 64))
    }

    pub(super) fn linked(&self) -> &LinkedBits {
        // SAFETY: [Z1] the header of a page in use points into the table of linked bits, mapped as long as the page.
        unsafe { &*self.linked.load(Ordering::Relaxed) }
    }

    pub(super) fn index(&self) -> u32 {
        self.index.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn class(&self) -> usize {
        self.class.load(Ordering::Relaxed) as usize
    }

    #[inline(always)]
    pub(super) fn is_run(&self) -> bool {
        self.class() == RUN
    }

    pub(super) fn run_pages(&self) -> u32 {
        self.run_pages.load(Ordering::Relaxed)
    }

    pub(super) fn mailbox(&self) -> *const Mailbox {
        self.mailbox.load(Ordering::Relaxed)
    }

    pub(super) fn remote(&self) -> &RemoteFrees {
        &self.remote.0
    }

    /// The page's own address.
    pub(super) fn base(&self) -> *mut u8 {
        ptr::with_exposed_provenance_mut(ptr::from_ref(self).addr())
    }

    fn slot(&self, i: u32) -> *mut u8 {
        self.base().wrapping_add(HEADER_BYTES + i as usize * self.slot_size())
    }
}

/// The holder's part (`remote.rs`, rule 1): `# Safety` of each: the caller holds the page, which is in use.
impl PageHeader {
    /// Fills in a page just taken; without owner, OPEN, empty. A run has one slot of `slot_size` bytes.
    pub(super) unsafe fn init(
        &self,
        heap: *const (),
        index: u32,
        linked: *const LinkedBits,
        class: usize,
        slot_size: usize,
        run_pages: u32,
    ) {
        let capacity = if class == RUN { 1 } else { self::capacity(class) };
        self.heap.store(heap.cast_mut(), Ordering::Relaxed);
        self.owner.store(ptr::null_mut(), Ordering::Relaxed);
        self.linked.store(linked.cast_mut(), Ordering::Relaxed);
        self.mailbox.store(ptr::null_mut(), Ordering::Relaxed);
        self.slot_size.store(slot_size, Ordering::Relaxed);
        self.index.store(index, Ordering::Relaxed);
        self.class.store(class as u32, Ordering::Relaxed);
        self.run_pages.store(run_pages, Ordering::Relaxed);
        self.own.free.store(ptr::null_mut(), Ordering::Relaxed);
        self.own.used.store(0, Ordering::Relaxed);
        self.own.extended.store(0, Ordering::Relaxed);
        self.own.capacity.store(capacity, Ordering::Relaxed);
        self.own.put_away.store(true, Ordering::Relaxed);
        self.own.idle.store(false, Ordering::Relaxed);
        self.own.mixed.store(false, Ordering::Relaxed);
        self.own.incarnation.store(self.incarnation().wrapping_add(1), Ordering::Relaxed);
        let left = self.remote().open();
        debug_assert!(left == 0, "handfast: a slab page was given back with slots in its remote list");
    }

    /// The page is given back: nothing may find it in use any more.
    pub(super) unsafe fn retire(&self) {
        debug_assert!(
            self.linked().iter().all(|w| w.load(Ordering::Relaxed) == 0),
            "handfast: a linked PyObject was freed"
        );
        self.owner.store(ptr::null_mut(), Ordering::Release);
        self.slot_size.store(0, Ordering::Relaxed);
    }

    pub(super) unsafe fn set_owner(&self, owner: *const (), mailbox: *const Mailbox) {
        self.mailbox.store(mailbox.cast_mut(), Ordering::Relaxed);
        // Release: [S-owner].
        self.owner.store(owner.cast_mut(), Ordering::Release);
    }

    /// The owner leaves; its mailbox stays, for pages that are FULL.
    pub(super) unsafe fn disown(&self) {
        self.owner.store(ptr::null_mut(), Ordering::Release);
    }

    /// Takes a free span: its first slot, and how many there are. `None`: there is none.
    pub(super) unsafe fn take_span(&self) -> Option<(*mut u8, u32)> {
        if self.own.free.load(Ordering::Relaxed).is_null() {
            // SAFETY: [Z4] the caller holds the page.
            unsafe { self.merge(self.remote().take()) };
        }
        let first = self.own.free.load(Ordering::Relaxed);
        let (first, slots) = if first.is_null() {
            let from = self.own.extended.load(Ordering::Relaxed);
            let to = self.own.capacity.load(Ordering::Relaxed);
            if from == to {
                return None;
            }
            self.own.extended.store(to, Ordering::Relaxed);
            (self.slot(from), to - from)
        } else {
            // SAFETY: [Z4] the first slot of a free span of a held page is unused memory of the page.
            let (next, slots) = unsafe { slot::span(first) };
            self.own.free.store(next, Ordering::Relaxed);
            (first, slots)
        };
        self.own.used.store(self.used() + slots, Ordering::Relaxed);
        Some((first, slots))
    }

    /// Gives a span back, of slots given out or not, by its owner. Their words 0 and 1 stay as they are.
    pub(super) unsafe fn give_span(&self, first: *mut u8, slots: u32) -> LocalFree {
        // SAFETY: [Z4] the caller gives the slots up.
        unsafe { slot::set_span(first, self.own.free.load(Ordering::Relaxed), slots) };
        self.own.free.store(first, Ordering::Relaxed);
        let used = self.used() - slots;
        self.own.used.store(used, Ordering::Relaxed);
        if used == 0 {
            // Empty: all of it is one span again.
            self.own.free.store(ptr::null_mut(), Ordering::Relaxed);
            self.own.extended.store(0, Ordering::Relaxed);
        }
        if used == 0 || self.is_put_away() { LocalFree::Look } else { LocalFree::Quiet }
    }

    /// Gives out the only slot of a new run, whose memory is zero, and makes the run FULL.
    pub(super) unsafe fn take_run_slot(&self) -> *mut u8 {
        self.own.extended.store(1, Ordering::Relaxed);
        self.own.used.store(1, Ordering::Relaxed);
        let closed = self.remote().close();
        debug_assert!(closed, "handfast: a slot of a new run was freed");
        self.slot(0)
    }

    /// Puts a free slot (`slot.rs`) on the list of the page, by its owner.
    #[inline]
    pub(super) unsafe fn push(&self, slot: *mut u8) -> LocalFree {
        self.set_mixed(true);
        // SAFETY: [Z4] the caller gives the slot up.
        unsafe { self.give_span(slot, 1) }
    }

    /// Slots given out and not collected.
    pub(super) fn used(&self) -> u32 {
        self.own.used.load(Ordering::Relaxed)
    }

    pub(super) fn is_put_away(&self) -> bool {
        self.own.put_away.load(Ordering::Relaxed)
    }

    pub(super) fn set_put_away(&self, away: bool) {
        self.own.put_away.store(away, Ordering::Relaxed);
    }

    /// Its spans go back slot by slot.
    pub(crate) fn is_mixed(&self) -> bool {
        self.own.mixed.load(Ordering::Relaxed)
    }

    pub(crate) fn set_mixed(&self, mixed: bool) {
        self.own.mixed.store(mixed, Ordering::Relaxed);
    }

    /// Which use of the page this is.
    pub(super) fn incarnation(&self) -> u32 {
        self.own.incarnation.load(Ordering::Relaxed)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.own.idle.load(Ordering::Relaxed)
    }

    pub(super) fn set_idle(&self, idle: bool) {
        self.own.idle.store(idle, Ordering::Relaxed);
    }

    pub(super) fn own_index(&self) -> usize {
        self.own.own_index.load(Ordering::Relaxed) as usize
    }

    pub(super) fn set_own_index(&self, i: usize) {
        self.own.own_index.store(i as u32, Ordering::Relaxed);
    }

    pub(super) fn avail_index(&self) -> usize {
        self.own.avail_index.load(Ordering::Relaxed) as usize
    }

    pub(super) fn set_avail_index(&self, i: usize) {
        self.own.avail_index.store(i as u32, Ordering::Relaxed);
    }

    /// Puts a chain of remotely freed spans, from `RemoteFrees::take` or `open`, on the free list.
    pub(super) unsafe fn merge(&self, first: usize) {
        let mut slot: *mut u8 = ptr::with_exposed_provenance_mut(first);
        if !slot.is_null() {
            self.set_mixed(true);
        }
        while !slot.is_null() {
            // SAFETY: [Z4] remotely freed slots of a held page are unused memory of the page.
            let (next, slots) = unsafe { slot::span(slot) };
            // Whoever merges looks at the whole page by itself.
            // SAFETY: [Z4] as above.
            let _ = unsafe { self.give_span(slot, slots) };
            slot = next;
        }
    }

    /// Whether there is anything to give out, the remote frees included.
    pub(super) unsafe fn has_free(&self) -> bool {
        // SAFETY: [Z4] the caller holds the page.
        unsafe { self.merge(self.remote().take()) };
        let rest = self.own.extended.load(Ordering::Relaxed) != self.own.capacity.load(Ordering::Relaxed);
        rest || !self.own.free.load(Ordering::Relaxed).is_null()
    }

    /// Calls `f` with every slot that is given out. Nobody may allocate or free in the heap meanwhile.
    pub(super) unsafe fn for_each_allocated(&self, f: &mut dyn FnMut(*mut PyObject)) {
        let mut free = [0u64; PAGE_BYTES / GRANULE / 64];
        for head in [self.own.free.load(Ordering::Relaxed).addr(), self.remote().peek()] {
            let mut first: *mut u8 = ptr::with_exposed_provenance_mut(head);
            while !first.is_null() {
                // SAFETY: [Z4] slots on free lists are memory of the page, and nobody changes the lists now.
                let (next, slots) = unsafe { slot::span(first) };
                for i in 0..slots as usize {
                    let granule = (first.addr() & (PAGE_BYTES - 1)) / GRANULE + i * (self.slot_size() / GRANULE);
                    free[granule / 64] |= 1 << (granule % 64);
                }
                first = next;
            }
        }
        for i in 0..self.own.extended.load(Ordering::Relaxed) {
            let slot = self.slot(i);
            let granule = (slot.addr() & (PAGE_BYTES - 1)) / GRANULE;
            if free[granule / 64] >> (granule % 64) & 1 == 0 {
                f(slot.cast());
            }
        }
    }
}

const _: () = assert!(slot::QUICK <= class_size(LINEAR - 1));
const _: () = assert!(HEADER_BYTES == 192 && MAX_SMALL & (GRANULE - 1) == 0);
const _: () = assert!(class_size(CLASSES - 1) == MAX_SMALL && class_size(CLASSES - 2) < MAX_SMALL);
