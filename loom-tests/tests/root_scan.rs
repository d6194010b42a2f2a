//! C counts against the root scan: a pair that only moves between a mutator's root and a C reference is always marked.
//!
//! What a mutator can hand to C its snapshot protects, and the root scan reads counts after all snapshots; what comes
//! from C into the heap during a cycle is shaded. So neither direction hides an object, and increments need no barrier.
#![cfg(loom)]

use loom_tests::handle::refcount::{Decref, RefCount};
use loom_tests::mutator::ask::Phase;
use loom_tests::mutator::gate::{Unseen, WeakGate};
use loom_tests::mutator::handshake::{HandshakeWord, Requests, Target};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom_tests::sync::thread;
use loom_tests::{Plain, check};

const CYCLE: Requests = Requests::CYCLE;

/// One mutator with one root, and one old linked pair that the root may refer to.
struct Heap {
    word: HandshakeWord,
    gate: WeakGate,
    root: Plain<bool>,
    phase: Plain<Phase>,
    count: RefCount,
    marked: AtomicBool,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    ScanBeforeSnapshots,
    NoShadeFromC,
}

impl Heap {
    fn snapshot(&self) {
        if self.root.get() {
            self.marked.store(true, Relaxed);
        }
        self.phase.set(Phase::Scanned);
    }

    fn safepoint(&self) {
        if self.word.poll().contains(CYCLE) {
            self.snapshot();
            self.word.serve(CYCLE);
        }
    }

    /// Hands the object to C and forgets it.
    fn hand_to_c(&self) {
        self.count.incref();
        self.root.set(false);
    }

    /// Takes the object from C and drops the C reference.
    fn take_from_c(&self, fault: Fault) {
        let phase = if fault == Fault::NoShadeFromC { Phase::Idle } else { self.phase.get() };
        match self.gate.unseen(phase, || !self.marked.load(Relaxed)) {
            Unseen::Usual => {}
            Unseen::Shade => self.marked.store(true, Relaxed),
            Unseen::Dead => panic!("found dead while it is marked through"),
        }
        self.root.set(true);
        assert_eq!(self.count.decref(), Decref::Alive);
    }

    fn root_scan(&self) {
        if self.count.is_held() {
            self.marked.store(true, Relaxed);
        }
    }

    fn collect(&self, fault: Fault) {
        if fault == Fault::ScanBeforeSnapshots {
            self.root_scan();
        }
        match self.word.request(CYCLE) {
            Target::Native if self.word.try_hold() => {
                self.snapshot();
                let _ = self.word.release(CYCLE);
            }
            _ => {}
        }
        while self.word.is_requested(CYCLE) {
            thread::yield_now();
        }
        if fault != Fault::ScanBeforeSnapshots {
            self.root_scan();
        }
    }
}

/// The pair begins at C (count 2) or in the root (count 1: the link's own), and moves `moves` times.
fn moving_pair(at_c: bool, moves: usize, fault: Fault) {
    check(move || {
        let heap = Arc::new(Heap {
            word: HandshakeWord::new(),
            gate: WeakGate::new(),
            root: Plain::new(!at_c),
            phase: Plain::new(Phase::Idle),
            count: RefCount::new(1 + isize::from(at_c)),
            marked: AtomicBool::new(false),
        });
        heap.word.attach();
        let mutator = {
            let heap = heap.clone();
            thread::spawn(move || {
                for i in 0..moves {
                    heap.safepoint();
                    if at_c ^ (i % 2 == 1) { heap.take_from_c(fault) } else { heap.hand_to_c() }
                }
                while heap.word.try_enter_native().is_err() {
                    heap.safepoint();
                }
            })
        };
        heap.collect(fault);
        mutator.join().unwrap();
        assert!(heap.marked.load(Relaxed), "an object in use is not marked");
    });
}

#[test]
fn an_object_handed_to_c_is_marked() {
    moving_pair(false, 1, Fault::None);
}

#[test]
fn an_object_taken_from_c_is_marked() {
    moving_pair(true, 1, Fault::None);
}

#[test]
fn an_object_that_goes_to_and_fro_is_marked() {
    moving_pair(false, 3, Fault::None);
    moving_pair(true, 3, Fault::None);
}

#[test]
#[should_panic(expected = "an object in use is not marked")]
fn twin_root_scan_before_the_snapshots() {
    moving_pair(false, 1, Fault::ScanBeforeSnapshots);
}

#[test]
#[should_panic(expected = "an object in use is not marked")]
fn twin_crossing_from_c_without_shading() {
    moving_pair(true, 1, Fault::NoShadeFromC);
}
