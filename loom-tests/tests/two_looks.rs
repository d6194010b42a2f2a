//! INV-4: the marker meets the address of a young object in an old private one, while the owner evacuates it.
//!
//! The marker asks the kind of the block, not the object: load the slot; load the kind (acquire); if old, load the slot
//! again, and start over if it changed. The minor updates every slot before it changes a block's kind (release). So an
//! address that passes both looks is that of a live old object, whose memory may be read. The same for large objects,
//! which do not move, but may die young.
#![cfg(loom)]

use loom_tests::heap::kind::{Kind, KindByte, PageByte};
use loom_tests::object::reference;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicPtr,
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
            _ => self.kinds[block].is_young(),
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

fn marker_against_minor(fault: Fault) {
    check_all(move || {
        let heap = Arc::new(Heap {
            slot: AtomicPtr::new(object(0)),
            kinds: [KindByte::new(Kind::Young), KindByte::new(Kind::Active)],
            young: AtomicBool::new(true),
            memory: [Plain::new(7), Plain::new(0)],
            fault,
        });
        let marker = {
            let heap = heap.clone();
            thread::spawn(move || {
                if let Some(object) = heap.mark() {
                    assert_eq!(object, 7, "marked something else");
                }
            })
        };
        heap.minor();
        marker.join().unwrap();
    });
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
