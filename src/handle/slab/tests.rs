//! The slabs against a plain reference, and with threads that free, leave and adopt while others scan.

use super::page::{CLASSES, GRANULE, MAX_SMALL, PAGE_BYTES, SIZES, class_of};
use super::range::DIRTY_PAGES;
use super::{PyObject, SlabHeap, SlabLocal};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, thread};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr;

pub(in crate::handle::slab) const MIB: usize = 1 << 20;

pub(in crate::handle::slab) fn heap(bytes: usize) -> SlabHeap {
    SlabHeap::new(bytes, ptr::without_provenance(0xABC0)).expect("address space")
}

pub(in crate::handle::slab) fn local(owner: usize) -> SlabLocal {
    SlabLocal::new(ptr::without_provenance(owner))
}

/// A small generator of test choices (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// An allocated slot: count 1, link 0, then a pattern of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Filled {
    address: usize,
    size: usize,
}

impl Filled {
    fn pattern(self) -> u8 {
        (self.address >> 4) as u8 | 1
    }

    /// Allocates, checks what `alloc` promises, and fills the slot.
    fn new(local: &mut SlabLocal, heap: &SlabHeap, size: usize) -> Option<Filled> {
        let p = local.alloc(heap, size);
        if p.is_null() {
            return None;
        }
        let slot = Filled { address: p.expose_provenance(), size };
        assert_eq!(slot.address % 16, 0, "alignment");
        assert!(heap.contains(slot.address) && heap.contains(slot.address + size - 1));
        // SAFETY: just allocated.
        let page = unsafe { SlabHeap::page(p) };
        assert!(page.slot_size() >= size && page.heap() == ptr::without_provenance(0xABC0));
        // SAFETY: just allocated and zeroed, so a valid object.
        let object = unsafe { &*slot.object() };
        assert_eq!(object.ob_refcnt.count(), 0, "zeroed");
        object.ob_refcnt.set(1);
        assert_eq!(object.ob_pypy_link.get().0, 0, "zeroed");
        // SAFETY: just allocated: `size` bytes of which nobody else uses any but the first two words.
        let bytes = unsafe { std::slice::from_raw_parts_mut(p.wrapping_add(16), size - 16) };
        assert!(bytes.iter().all(|&b| b == 0), "zeroed");
        bytes.fill(slot.pattern());
        Some(slot)
    }

    fn pointer(self) -> *mut u8 {
        ptr::with_exposed_provenance_mut(self.address)
    }

    fn object(self) -> *mut PyObject {
        self.pointer().cast()
    }

    fn page(self) -> &'static super::PageHeader {
        // SAFETY: the slot is allocated.
        unsafe { SlabHeap::page(self.pointer()) }
    }

    /// Checks that nobody wrote over the slot, and frees it.
    fn free(self, heap: &SlabHeap, local: Option<&mut SlabLocal>) {
        // SAFETY: the slot is allocated and this test's own.
        let bytes = unsafe { std::slice::from_raw_parts(self.pointer().wrapping_add(16), self.size - 16) };
        assert!(bytes.iter().all(|&b| b == self.pattern()), "somebody wrote into {self:x?}");
        // SAFETY: as above, and it is not used again.
        unsafe { heap.free(local, self.pointer()) };
    }
}

fn linked(heap: &SlabHeap) -> Vec<usize> {
    let mut found = Vec::new();
    heap.for_each_linked(&mut |p| found.push(p.addr()));
    found
}

/// With slots that a mutator has taken from their pages and not given out yet.
fn allocated(heap: &SlabHeap) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    // SAFETY: the tests call this while no other thread uses the heap.
    unsafe { heap.for_each_allocated(&mut |p| assert!(found.insert(p.addr()))) };
    found
}

/// Without them.
pub(in crate::handle::slab) fn given_out(heap: &SlabHeap, local: &mut SlabLocal) -> BTreeSet<usize> {
    local.give_rest(heap);
    allocated(heap)
}

#[test]
fn classes_fit_and_waste_little() {
    for size in size_of::<PyObject>()..=MAX_SMALL {
        let slot = SIZES[class_of(size)];
        assert!(slot >= size && slot.is_multiple_of(GRANULE));
        assert!(slot <= 32 || slot - size < GRANULE.max(size / 8 + 1), "{size} in {slot}");
    }
    assert!(SIZES.is_sorted() && SIZES.len() == CLASSES);
}

#[test]
fn random_use_agrees_with_a_reference_set() {
    let heap = heap(256 * MIB);
    let (mut local, mut random) = (local(16), Random(7));
    let mut live: BTreeMap<usize, usize> = BTreeMap::new();
    let mut slots = Vec::new();
    for step in 0..40_000 {
        if live.len() < 1500 && random.below(5) < 3 {
            let limit = [64, 64, 300, MAX_SMALL, 40_000][random.below(5)];
            let slot = Filled::new(&mut local, &heap, 24 + random.below(limit)).expect("memory");
            let before = live.range(..slot.address + slot.size).next_back();
            assert!(before.is_none_or(|(&at, &len)| at + len <= slot.address), "{slot:x?} overlaps {before:x?}");
            live.insert(slot.address, slot.size);
            slots.push(slot);
        } else if !slots.is_empty() {
            let slot: Filled = slots.swap_remove(random.below(slots.len()));
            live.remove(&slot.address);
            slot.free(&heap, Some(&mut local));
        }
        if step % 10_000 == 0 {
            assert_eq!(given_out(&heap, &mut local), live.keys().copied().collect());
        }
    }
    assert_eq!(given_out(&heap, &mut local), live.keys().copied().collect());
    for (address, size) in live {
        Filled { address, size }.free(&heap, Some(&mut local));
    }
    assert!(given_out(&heap, &mut local).is_empty());
    local.abandon(&heap);
    assert!(heap.committed_bytes() <= DIRTY_PAGES as usize * PAGE_BYTES);
}

#[test]
fn what_another_thread_frees_is_used_again() {
    let heap = heap(64 * MIB);
    let mut local = local(16);
    let mut high = 0;
    for round in 0..20 {
        let slots: Vec<_> = (0..20_000).map(|_| Filled::new(&mut local, &heap, 48).expect("memory")).collect();
        thread::scope(|s| {
            s.spawn(|| slots.into_iter().for_each(|slot| slot.free(&heap, None)));
        });
        if round == 0 {
            high = heap.pages();
        }
        assert!(heap.pages() <= high + 1, "round {round}: {} pages after {high}", heap.pages());
    }
    local.collect(&heap);
    assert!(given_out(&heap, &mut local).is_empty());
    local.abandon(&heap);
}

#[test]
fn a_mutator_that_leaves_is_followed_by_one_that_adopts() {
    let heap = heap(64 * MIB);
    let (mut first, mut second) = (local(16), local(32));
    let slots: Vec<_> = (0..10_000).map(|_| Filled::new(&mut first, &heap, 64).expect("memory")).collect();
    assert!(slots.iter().all(|s| s.page().owner().addr() == 16));
    first.abandon(&heap);
    assert!(slots.iter().all(|s| s.page().owner().is_null()));
    let pages = heap.pages();

    // Remote frees of a page that nobody owns and that was full: the freer must deliver it to the heap.
    let (free, keep): (Vec<_>, Vec<_>) = slots.into_iter().enumerate().partition(|(i, _)| i % 2 == 0);
    let count = free.len();
    free.into_iter().for_each(|(_, slot)| slot.free(&heap, Some(&mut second)));
    let again: Vec<_> = (0..count).map(|_| Filled::new(&mut second, &heap, 64).expect("memory")).collect();
    assert_eq!(heap.pages(), pages, "every free slot of the pages left behind was found");
    assert!(keep.iter().all(|(_, slot)| slot.page().owner().addr() == 32));

    again.into_iter().chain(keep.into_iter().map(|(_, slot)| slot)).for_each(|s| s.free(&heap, Some(&mut second)));
    assert!(given_out(&heap, &mut second).is_empty());
    second.abandon(&heap);
}

#[test]
fn pages_left_behind_are_trimmed_when_empty() {
    let heap = heap(64 * MIB);
    let mut first = local(16);
    let slots: Vec<_> = (0..3_000).map(|_| Filled::new(&mut first, &heap, 1000).expect("memory")).collect();
    // Some pages posted while the owner is there, some after it left.
    let (early, late) = slots.split_at(1_000);
    early.iter().step_by(3).for_each(|slot| slot.free(&heap, None));
    first.abandon(&heap);
    let rest = early.iter().enumerate().filter(|(i, _)| i % 3 != 0).map(|(_, slot)| slot);
    rest.chain(late).for_each(|slot| slot.free(&heap, None));
    assert!(allocated(&heap).is_empty());
    heap.trim();
    assert!(heap.committed_bytes() <= DIRTY_PAGES as usize * PAGE_BYTES, "{}", heap.committed_bytes());
    let mut second = local(32);
    let high = heap.pages();
    let slots: Vec<_> = (0..3_000).map(|_| Filled::new(&mut second, &heap, 500).expect("memory")).collect();
    assert_eq!(heap.pages(), high, "trimmed pages serve another class");
    slots.into_iter().for_each(|slot| slot.free(&heap, Some(&mut second)));
    second.abandon(&heap);
}

#[test]
fn scans_report_the_linked_slots_exactly_and_in_order() {
    let heap = heap(64 * MIB);
    let (mut first, mut second, mut random) = (local(16), local(32), Random(3));
    let mut want = [BTreeSet::new(), BTreeSet::new()];
    let mut slots = Vec::new();
    for i in 0..20_000 {
        let owner = random.below(2);
        let local = if owner == 0 { &mut first } else { &mut second };
        let size = if i % 1000 == 0 { 30_000 } else { 24 + random.below(300) };
        let slot = Filled::new(local, &heap, size).expect("memory");
        if random.below(3) == 0 {
            slot.page().set_linked(slot.object());
            want[owner].insert(slot.address);
        }
        slots.push((owner, slot));
    }
    slots.retain(|&(owner, slot)| {
        if slot.page().is_linked(slot.object()) && slot.address % 64 == 0 {
            slot.page().clear_linked(slot.object());
            want[owner].remove(&slot.address);
            slot.free(&heap, None);
        }
        true
    });
    let all: Vec<_> = want[0].union(&want[1]).copied().collect();
    assert_eq!(linked(&heap), all);
    let mut by_page = Vec::new();
    (0..heap.pages()).rev().for_each(|i| heap.for_each_linked_in_page(i, &mut |p| by_page.push(p.addr())));
    by_page.sort_unstable();
    assert_eq!(by_page, all);
    for (local, want) in [(&first, &want[0]), (&second, &want[1])] {
        let mut found = BTreeSet::new();
        local.for_each_linked(&mut |p| assert!(found.insert(p.addr())));
        assert_eq!(&found, want);
    }
    first.abandon(&heap);
    second.abandon(&heap);
}

#[test]
fn a_page_emptied_under_a_scan_serves_no_other_class_before_its_end() {
    let heap = heap(64 * MIB);
    let mut local = local(16);
    let slots: Vec<_> = (0..6_000).map(|_| Filled::new(&mut local, &heap, 64).expect("memory")).collect();
    slots.iter().for_each(|slot| slot.page().set_linked(slot.object()));
    let (mut slots, mut others, mut reported) = (Some(slots), Vec::new(), 0);
    let high = heap.pages();
    heap.for_each_linked(&mut |p| {
        reported += 1;
        let Some(slots) = slots.take() else { return };
        // The scan has the addresses of these still; the callback is how a test stops it there.
        for slot in slots {
            slot.page().clear_linked(slot.object());
            slot.free(&heap, Some(&mut local));
        }
        others.extend((0..300).map(|_| Filled::new(&mut local, &heap, 1000).expect("memory")));
        let page = p.addr() / PAGE_BYTES;
        assert!(others.iter().all(|slot| slot.address / PAGE_BYTES != page), "the page was used again");
    });
    assert!((1..=64).contains(&reported), "at most the word of bits that was read already: {reported}");
    let pages = heap.pages();
    assert!(pages > high);
    (0..300).for_each(|_| others.push(Filled::new(&mut local, &heap, 1000).expect("memory")));
    assert_eq!(heap.pages(), pages, "deferred pages were given back at the end of the scan");
    others.into_iter().for_each(|slot| slot.free(&heap, Some(&mut local)));
    local.abandon(&heap);
}

#[test]
fn a_million_pairs_have_a_bounded_footprint() {
    let heap = heap(256 * MIB);
    let mut local = local(16);
    let mut window = [ptr::null_mut::<u8>(); 1000];
    for i in 0..1_000_000 {
        let old = std::mem::replace(&mut window[i % 1000], local.alloc(&heap, 24 + i % 3 * 16));
        if !old.is_null() {
            // SAFETY: allocated above, out of the window now.
            unsafe { local.free(&heap, old) };
        }
    }
    assert!(heap.pages() <= 6, "{} pages", heap.pages());
    let mut all: Vec<_> = (0..1_000_000).map(|_| local.alloc(&heap, 32)).collect();
    let full = heap.committed_bytes();
    assert!((32_000_000..34_000_000).contains(&full), "{full}");
    for p in all.drain(..).chain(window) {
        // SAFETY: allocated above.
        unsafe { local.free(&heap, p) };
    }
    assert!(heap.committed_bytes() <= (DIRTY_PAGES as usize + 6) * PAGE_BYTES, "{}", heap.committed_bytes());
    let high = heap.pages();
    (0..1_000_000).for_each(|_| assert!(!local.alloc(&heap, 32).is_null()));
    assert!(heap.pages() <= high + 1);
    local.abandon(&heap);
}

#[test]
fn big_objects_have_runs_that_are_used_again() {
    let heap = heap(16 * MIB);
    let (mut first, mut second) = (local(16), local(32));
    for round in 0..50 {
        let slots: Vec<_> =
            (1..=10).map(|i| Filled::new(&mut first, &heap, MAX_SMALL + i * 100_000).expect("memory")).collect();
        for (i, slot) in slots.into_iter().enumerate() {
            let local = if (i + round) % 2 == 0 { &mut first } else { &mut second };
            slot.free(&heap, Some(local));
        }
        first.collect(&heap);
    }
    assert_eq!(heap.committed_bytes(), 0);
    // The holes have grown together again: nearly everything in one piece.
    let all = Filled::new(&mut first, &heap, 15 * MIB).expect("one hole");
    first.abandon(&heap);
    all.free(&heap, Some(&mut second));
    assert_eq!(heap.committed_bytes(), 0, "a run left behind is given back by who frees it");
}

#[test]
fn a_full_range_answers_null_and_stays_usable() {
    let heap = heap(4 * MIB);
    let mut local = local(16);
    let mut slots: Vec<_> = std::iter::from_fn(|| Filled::new(&mut local, &heap, 200)).collect();
    assert!(slots.len() * 208 > 4 * MIB - 64 * 400, "{}", slots.len());
    assert!(local.alloc(&heap, 24).is_null() && local.alloc(&heap, 100_000).is_null());
    assert!(local.alloc(&heap, usize::MAX).is_null() && local.alloc(&heap, 5 * MIB).is_null());
    slots.pop().expect("one").free(&heap, Some(&mut local));
    slots.push(Filled::new(&mut local, &heap, 200).expect("the slot just freed"));
    slots.into_iter().for_each(|slot| slot.free(&heap, Some(&mut local)));
    // Single pages become a run again.
    let run = Filled::new(&mut local, &heap, 3 * MIB).expect("a run");
    assert!(given_out(&heap, &mut local).contains(&run.address));
    run.free(&heap, Some(&mut local));
    Filled::new(&mut local, &heap, 100).expect("a page out of the hole").free(&heap, Some(&mut local));
    local.abandon(&heap);
}

#[test]
fn a_range_of_no_pages_is_an_error() {
    assert_eq!(SlabHeap::new(0, ptr::null()).expect_err("none").kind(), std::io::ErrorKind::InvalidInput);
    assert!(SlabHeap::new(usize::MAX, ptr::null()).is_err());
}

#[cfg(any(debug_assertions, feature = "debug"))]
mod misuse {
    use super::*;

    #[test]
    #[should_panic(expected = "is free already")]
    fn double_free_by_the_owner_is_found() {
        let (heap, mut local) = (heap(MIB), local(16));
        let slots = [(); 2].map(|()| Filled::new(&mut local, &heap, 24).expect("memory"));
        slots[0].free(&heap, Some(&mut local));
        // SAFETY: none: the misuse that is to be found, before it does harm.
        unsafe { heap.free(Some(&mut local), slots[0].pointer()) };
    }

    #[test]
    #[should_panic(expected = "is free already")]
    fn double_free_by_another_thread_is_found() {
        let (heap, mut local) = (heap(MIB), local(16));
        let slots = [(); 2].map(|()| Filled::new(&mut local, &heap, 24).expect("memory"));
        slots[0].free(&heap, Some(&mut local));
        // SAFETY: none: the misuse that is to be found, before it does harm.
        unsafe { heap.free(None, slots[0].pointer()) };
    }

    #[test]
    #[should_panic(expected = "is linked")]
    fn freeing_a_linked_object_is_found() {
        let (heap, mut local) = (heap(MIB), local(16));
        let slot = Filled::new(&mut local, &heap, 24).expect("memory");
        slot.page().set_linked(slot.object());
        slot.free(&heap, Some(&mut local));
    }

    #[test]
    #[should_panic(expected = "is inside an object")]
    fn freeing_a_middle_is_found() {
        let (heap, mut local) = (heap(MIB), local(16));
        let slot = Filled::new(&mut local, &heap, 64).expect("memory");
        // SAFETY: none: the misuse that is to be found, before it does harm.
        unsafe { heap.free(Some(&mut local), slot.pointer().wrapping_add(16)) };
    }
}

#[test]
fn threads_that_exchange_leave_and_scan_lose_nothing() {
    const THREADS: usize = 3;
    let heap = heap(512 * MIB);
    let (heap, shared) = (&heap, &Mutex::new(Vec::new()));
    let done = &AtomicBool::new(false);
    let work = |thread: usize| {
        let mut random = Random(thread as u64 * 77 + 5);
        let mut mine: Vec<Filled> = Vec::new();
        for life in 0..40 {
            let mut local = local((thread + 1) * 1024 + life * 16 * 1024);
            for _ in 0..2_000 {
                let size = if random.below(400) == 0 { 70_000 } else { 24 + random.below([16, 600][life % 2]) };
                let slot = Filled::new(&mut local, heap, size).expect("memory");
                slot.page().set_linked(slot.object());
                mine.push(slot);
                if mine.len() > 300 {
                    let slot = mine.swap_remove(random.below(300));
                    slot.page().clear_linked(slot.object());
                    slot.free(heap, Some(&mut local));
                }
                if random.below(100) == 0 {
                    // Swap all that we have for what another thread left.
                    std::mem::swap(&mut *shared.lock().expect("no panic"), &mut mine);
                }
            }
            local.abandon(heap);
            if life % 10 == 0 {
                heap.trim();
            }
        }
        mine
    };
    let mut rest: BTreeSet<Filled> = thread::scope(|s| {
        let scanner = s.spawn(|| {
            let mut scans = 0;
            while !done.load(Ordering::Acquire) {
                heap.for_each_linked(&mut |p| {
                    // SAFETY: the memory of slabs stays mapped, and this reads one word atomically.
                    let count = unsafe { &(*p).ob_refcnt }.count();
                    // 0: freed meanwhile, or not set up yet by who allocated it after that.
                    assert!(count == 1 || count == 0, "{count:x}");
                });
                scans += 1;
                thread::yield_now();
            }
            scans
        });
        let threads: Vec<_> = (0..THREADS).map(|thread| s.spawn(move || work(thread))).collect();
        let rest = threads.into_iter().flat_map(|t| t.join().expect("no panic")).collect();
        done.store(true, Ordering::Release);
        assert!(scanner.join().expect("no panic") > 0);
        rest
    });
    rest.extend(shared.lock().expect("no panic").iter().copied());
    let live: BTreeSet<_> = rest.iter().map(|slot| slot.address).collect();
    assert_eq!(allocated(heap), live);
    assert_eq!(linked(heap), live.iter().copied().collect::<Vec<_>>());

    // Every page can still be found: all is freed, and what is left over is empty.
    let mut last = local(16);
    for (i, slot) in rest.into_iter().enumerate() {
        slot.page().clear_linked(slot.object());
        slot.free(heap, if i % 2 == 0 { Some(&mut last) } else { None });
    }
    last.abandon(heap);
    heap.trim();
    assert!(allocated(heap).is_empty());
    assert!(heap.committed_bytes() <= DIRTY_PAGES as usize * PAGE_BYTES, "{}", heap.committed_bytes());
}
