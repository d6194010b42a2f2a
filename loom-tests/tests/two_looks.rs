//! INV-4: the marker meets the address of a young object in an old private one, while the owner evacuates it.
//!
//! The marker asks the block's state, not the object: load the slot; load the state (acquire); if old, load the slot
//! again, and start over if it changed. The minor updates every slot before it changes a block's state (release). So an
//! address that passes both looks is that of a live old object, whose memory may be read.
#![cfg(loom)]

use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicUsize, Ordering,
    Ordering::{Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check};

/// One object per block: block 0 is the nursery, block 1 old. An address is the number of a block.
struct Heap {
    /// The field of an old private object; it refers to the young one.
    slot: AtomicUsize,
    young: [AtomicBool; 2],
    memory: [Plain<u32>; 2],
}

/// What may be left out.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fault {
    None,
    OneLook,
    StateBeforeSlots,
    StateWithoutRelease,
    StateWithoutAcquire,
    SlotWithoutRelease,
}

impl Heap {
    fn write(&self, address: usize, value: u32) {
        self.memory[address].set(value);
    }

    fn read(&self, address: usize) -> u32 {
        self.memory[address].get()
    }

    /// The owner's minor: evacuates the object to block 1, gives block 0 to the old generation (something else in it was
    /// promoted in place), and uses the hole that the object left.
    fn minor(&self, fault: Fault) {
        let state: Ordering = if fault == Fault::StateWithoutRelease { Relaxed } else { Release };
        if fault == Fault::StateBeforeSlots {
            self.young[0].store(false, state);
        }
        self.write(1, self.read(0));
        // Release: the marker that follows the slot reads the copy.
        self.slot.store(1, if fault == Fault::SlotWithoutRelease { Relaxed } else { Release });
        if fault != Fault::StateBeforeSlots {
            self.young[0].store(false, state);
        }
        self.write(0, 9);
    }

    /// The marker at the slot: what it read of the object, or nothing if that is young.
    fn mark(&self, fault: Fault) -> Option<u32> {
        let mut address = self.slot.load(Acquire);
        loop {
            let state = if fault == Fault::StateWithoutAcquire { Relaxed } else { Acquire };
            if self.young[address].load(state) {
                return None;
            }
            if fault == Fault::OneLook {
                return Some(self.read(address));
            }
            let again = self.slot.load(Acquire);
            if again == address {
                return Some(self.read(address));
            }
            address = again;
        }
    }
}

fn marker_against_minor(fault: Fault) {
    check(move || {
        let heap = Arc::new(Heap {
            slot: AtomicUsize::new(0),
            young: [AtomicBool::new(true), AtomicBool::new(false)],
            memory: [Plain::new(7), Plain::new(0)],
        });
        let marker = {
            let heap = heap.clone();
            thread::spawn(move || {
                if let Some(object) = heap.mark(fault) {
                    assert_eq!(object, 7, "marked something else");
                }
            })
        };
        heap.minor(fault);
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
fn twin_state_changes_before_the_slots() {
    marker_against_minor(Fault::StateBeforeSlots);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_state_without_release() {
    marker_against_minor(Fault::StateWithoutRelease);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_state_without_acquire() {
    marker_against_minor(Fault::StateWithoutAcquire);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_slot_without_release() {
    marker_against_minor(Fault::SlotWithoutRelease);
}
