//! INV-4: the marker meets the address of a young object in an old private one, while the owner evacuates it.
//!
//! The marker asks the kind of the block, not the object: load the slot; load the kind (acquire); if old, load the slot
//! again, and start over if it changed. The minor updates every slot before it changes a block's kind (release). So an
//! address that passes both looks is that of a live old object, whose memory may be read. The same for large objects,
//! which do not move, but may die young.
#![cfg(loom)]

use loom_tests::heap::kind::{Kind, KindByte, PageByte};
use loom_tests::heap::line_word::LineWord;
use loom_tests::object::reference;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all, number, object};

/// What may be left out.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fault {
    None,
    OneLook,
    KindBeforeSlots,
    KindWithoutRelease,
    KindWithoutAcquire,
    SlotWithoutRelease,
}

/// One object per block: block 0 is the nursery, block 1 old.
struct Heap {
    /// The field of an old private object; it refers to the young one.
    slot: AtomicPtr<()>,
    kinds: [KindByte; 2],
    /// The kind of block 0, for what cannot be said with a `KindByte`.
    young: AtomicBool,
    memory: [Plain<u32>; 2],
    fault: Fault,
}

impl Heap {
    fn not_young(&self) {
        match self.fault {
            Fault::KindWithoutRelease => self.young.store(false, Relaxed),
            Fault::KindWithoutAcquire => self.young.store(false, Release),
            _ => self.kinds[0].set(Kind::Old),
        }
    }

    fn is_young(&self, block: usize) -> bool {
        match self.fault {
            Fault::KindWithoutRelease => block == 0 && self.young.load(Acquire),
            Fault::KindWithoutAcquire => block == 0 && self.young.load(Relaxed),
            _ => self.kinds[block].is_young(|| false),
        }
    }

    /// The owner's minor: evacuates the object to block 1, gives block 0 to the old generation (something else in it was
    /// promoted in place), and uses the hole that the object left.
    fn minor(&self) {
        if self.fault == Fault::KindBeforeSlots {
            self.not_young();
        }
        self.memory[1].set(self.memory[0].get());
        if self.fault == Fault::SlotWithoutRelease {
            self.slot.store(object(1), Relaxed);
        } else {
            reference::put(&self.slot, object(1));
        }
        if self.fault != Fault::KindBeforeSlots {
            self.not_young();
        }
        self.memory[0].set(9);
    }

    /// The marker at the slot: what it read of the object, or nothing if that is young.
    fn mark(&self) -> Option<u32> {
        let is_young = |address: usize| self.is_young(address / 8 - 1);
        let found = if self.fault == Fault::OneLook {
            let found = reference::follow(&self.slot);
            if is_young(found.addr()) { None } else { number(found) }
        } else {
            number(reference::settled(&self.slot, is_young))
        };
        found.map(|block| self.memory[block].get())
    }
}

/// A marker at the slot while the owner does its work: what it reads of an object is what the owner put there.
fn marker_against<S: Send + Sync + 'static>(
    scene: impl Fn() -> S + Send + Sync + 'static,
    mark: fn(&S) -> Option<u32>,
    work: fn(&S),
) {
    check_all(move || {
        let heap = Arc::new(scene());
        let marker = {
            let heap = heap.clone();
            thread::spawn(move || {
                if let Some(object) = mark(&heap) {
                    assert_eq!(object, 7, "marked something else");
                }
            })
        };
        work(&heap);
        marker.join().unwrap();
    });
}

fn marker_against_minor(fault: Fault) {
    let scene = move || Heap {
        slot: AtomicPtr::new(object(0)),
        kinds: [KindByte::new(Kind::Young), KindByte::new(Kind::Active)],
        young: AtomicBool::new(true),
        memory: [Plain::new(7), Plain::new(0)],
        fault,
    };
    marker_against(scene, Heap::mark, Heap::minor);
}

#[test]
fn an_address_that_passes_both_looks_is_a_live_old_object() {
    marker_against_minor(Fault::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_one_look() {
    marker_against_minor(Fault::OneLook);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_kind_changes_before_the_slots() {
    marker_against_minor(Fault::KindBeforeSlots);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_kind_without_release() {
    marker_against_minor(Fault::KindWithoutRelease);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_kind_without_acquire() {
    marker_against_minor(Fault::KindWithoutAcquire);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_slot_without_release() {
    marker_against_minor(Fault::SlotWithoutRelease);
}

/// What may be left out where a nursery has lines of an old block.
#[derive(Clone, Copy, PartialEq, Debug)]
enum LineFault {
    None,
    LinesBeforeSlots,
    LinesWithoutRelease,
    LinesWithoutAcquire,
    FilledBeforeMixed,
}

/// A `Mixed` block: line 0 holds an old object, the young one is in line 1. The minor moves it to block 1 and gives the block
/// back, with the lines that are free then (one fewer: something else in line 1 was promoted in place); or it is the
/// mutator that takes such a block while the marker looks.
struct Lines {
    slot: AtomicPtr<()>,
    kind: KindByte,
    lines: LineWord,
    /// The word for what cannot be said with a `LineWord`.
    plain: AtomicU64,
    memory: [Plain<u32>; 2],
    fault: LineFault,
}

impl Lines {
    fn is_young(&self) -> bool {
        self.kind.is_young(|| match self.fault {
            LineFault::LinesWithoutRelease => self.plain.load(Acquire) >> 1 & 1 != 0,
            LineFault::LinesWithoutAcquire => self.plain.load(Relaxed) >> 1 & 1 != 0,
            _ => self.lines.contains(1),
        })
    }

    fn not_young(&self) {
        match self.fault {
            LineFault::LinesWithoutRelease => self.plain.store(0, Relaxed),
            LineFault::LinesWithoutAcquire => self.plain.store(0, Release),
            _ => self.lines.set(0),
        }
    }

    fn minor(&self) {
        if self.fault == LineFault::LinesBeforeSlots {
            self.not_young();
        }
        self.memory[1].set(self.memory[0].get());
        reference::put(&self.slot, object(1));
        self.not_young();
        // The kind changes after the lines, as `give_recyclable` does it.
        self.kind.set(Kind::Recyclable);
        self.memory[0].set(9);
    }

    fn take(&self) {
        if self.fault != LineFault::FilledBeforeMixed {
            self.kind.set(Kind::Mixed);
        }
        self.memory[0].set(9);
        reference::put(&self.slot, object(0));
    }

    fn mark(&self) -> Option<u32> {
        let is_young = |address: usize| address / 8 == 1 && self.is_young();
        number(reference::settled(&self.slot, is_young)).map(|at| self.memory[at].get())
    }
}

fn marker_against_lines(fault: LineFault) {
    let scene = move || Lines {
        slot: AtomicPtr::new(object(0)),
        kind: KindByte::new(Kind::Mixed),
        lines: LineWord::new(2),
        plain: AtomicU64::new(2),
        memory: [Plain::new(7), Plain::new(0)],
        fault,
    };
    marker_against(scene, Lines::mark, Lines::minor);
}

#[test]
fn an_address_in_lines_that_a_nursery_gives_back_is_not_read() {
    marker_against_lines(LineFault::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_lines_change_before_the_slots() {
    marker_against_lines(LineFault::LinesBeforeSlots);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_lines_without_release() {
    marker_against_lines(LineFault::LinesWithoutRelease);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_lines_without_acquire() {
    marker_against_lines(LineFault::LinesWithoutAcquire);
}

/// A mutator takes a block with holes, allocates in a free line, and stores the young object where the marker looks. The
/// marker must see that it is young: it may not read it, and reading finds what no marker may find.
fn marker_against_taking(fault: LineFault) {
    let scene = move || Lines {
        slot: AtomicPtr::new(std::ptr::null_mut()),
        kind: KindByte::new(Kind::Recyclable),
        lines: LineWord::new(2),
        plain: AtomicU64::new(2),
        memory: [Plain::new(0), Plain::new(0)],
        fault,
    };
    marker_against(scene, Lines::mark, Lines::take);
}

#[test]
fn an_object_in_lines_that_a_nursery_has_taken_is_young() {
    marker_against_taking(LineFault::None);
}

#[test]
#[should_panic(expected = "marked something else")]
fn twin_a_block_is_filled_before_it_is_mixed() {
    marker_against_taking(LineFault::FilledBeforeMixed);
}

/// A large object that the minor promotes: the marker that finds it old sees what the minor did with it.
fn large_survivor(old_first: bool) {
    check_all(move || {
        let heap = Arc::new((AtomicPtr::new(object(0)), PageByte::young(), Plain::new(1)));
        let marker = {
            let heap = heap.clone();
            thread::spawn(move || {
                if !reference::settled(&heap.0, |_| heap.1.is_young()).is_null() {
                    assert_eq!(heap.2.get(), 7, "not as the minor left it");
                }
            })
        };
        if old_first {
            heap.1.set_old();
        }
        heap.2.set(7);
        heap.1.set_old();
        marker.join().unwrap();
        assert!(heap.1.is_old());
    });
}

#[test]
fn a_large_object_that_is_old_is_as_the_minor_left_it() {
    large_survivor(false);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_a_large_object_is_old_before_its_slots_are_updated() {
    large_survivor(true);
}

/// A large object that dies young: its pages are freed and used again, after the last slot that named it has gone.
fn large_dead(slot_first: bool) {
    check_all(move || {
        let heap = Arc::new((AtomicPtr::new(object(0)), PageByte::young(), Plain::new(1)));
        let marker = {
            let heap = heap.clone();
            thread::spawn(move || {
                if !reference::settled(&heap.0, |_| heap.1.is_young()).is_null() {
                    heap.2.get();
                }
            })
        };
        if slot_first {
            reference::put(&heap.0, std::ptr::null_mut());
        }
        heap.1.clear();
        heap.2.set(7);
        if !slot_first {
            reference::put(&heap.0, std::ptr::null_mut());
        }
        marker.join().unwrap();
        assert!(!heap.1.is_young() && !heap.1.is_old());
    });
}

#[test]
fn a_large_object_that_is_freed_is_not_met() {
    large_dead(true);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_a_large_object_is_freed_while_a_slot_names_it() {
    large_dead(false);
}

/// A walk over old objects (verifier, heap walk, sweep of large objects) that finds a block or page old reads what is there.
fn walk(set: fn(&KindByte, &PageByte), is_old: fn(&KindByte, &PageByte) -> bool) {
    check_all(move || {
        let heap = Arc::new((KindByte::new(Kind::Active), PageByte::young(), Plain::new(0)));
        let owner = {
            let heap = heap.clone();
            thread::spawn(move || {
                heap.2.set(7);
                set(&heap.0, &heap.1);
            })
        };
        if is_old(&heap.0, &heap.1) {
            assert_eq!(heap.2.get(), 7);
        }
        owner.join().unwrap();
    });
}

#[test]
fn a_walk_finds_what_is_old_as_its_owner_left_it() {
    walk(|block, _| block.set(Kind::Old), |block, _| block.get() == Kind::Old);
    walk(|_, page| page.set_old(), |_, page| page.is_old());
}

#[test]
#[should_panic(expected = "left == right")]
fn twin_a_walk_takes_what_is_not_old() {
    walk(|block, _| block.set(Kind::Recyclable), |block, _| block.get() != Kind::Recyclable);
}
