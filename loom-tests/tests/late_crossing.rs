//! A crossing that comes late: C counts a pointer that it had only borrowed, after its object became unreachable, and crosses
//! back while marking ends. That breaks C's contract, but what it gets is an object that stays, or null: the crossing goes
//! through the gate like a weak load, and the collector looks at the count once more before it lets the pair die.
#![cfg(loom)]

use loom_tests::handle::refcount::RefCount;
use loom_tests::mutator::gate::{WeakGate, WeakLoad};
use loom_tests::mutator::handshake::{HandshakeWord, Requests, Target};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom_tests::sync::thread;
use loom_tests::{Plain, check};

const CYCLE: Requests = Requests::CYCLE;

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// The crossing shades, whatever the gate says.
    WithoutTheGate,
}

/// A scanned mutator, and an old linked object that nobody holds; the object refers to a child.
struct Heap {
    gate: WeakGate,
    word: HandshakeWord,
    count: RefCount,
    marked: AtomicBool,
    child_marked: AtomicBool,
    /// Whether the mutator has shaded the object into its buffer.
    buffer: Plain<bool>,
    grey: Plain<bool>,
    child: Plain<u32>,
    fault: Fault,
}

impl Heap {
    /// By the owner or the holder.
    fn answer(&self) {
        if self.buffer.get() {
            self.buffer.set(false);
            self.grey.set(true);
        }
        self.word.serve(CYCLE);
    }

    fn safepoint(&self) {
        if self.word.poll().contains(CYCLE) {
            self.answer();
        }
    }

    fn cross(&self) -> bool {
        if !self.marked.load(Relaxed) {
            if self.fault != Fault::WithoutTheGate && self.gate.weak_load() == WeakLoad::Dead {
                return false;
            }
            self.marked.store(true, Relaxed);
            self.buffer.set(true);
        }
        true
    }

    /// Counts late, crosses, and uses what the object refers to.
    fn late(&self) {
        self.safepoint();
        self.count.incref();
        if self.cross() {
            self.safepoint();
            assert_eq!(self.child.get(), 7);
        }
        while self.word.try_enter_native().is_err() {
            self.safepoint();
        }
    }

    fn drain(&self) {
        if self.grey.get() {
            self.grey.set(false);
            self.child_marked.store(true, Relaxed);
        }
    }

    fn collect(&self) {
        for _ in 0..3 {
            self.drain();
            self.gate.begin_flush();
            match self.word.request(CYCLE) {
                Target::Native if self.word.try_hold() => {
                    self.answer();
                    let _ = self.word.release(Requests::NONE);
                }
                _ => {
                    while self.word.is_requested(CYCLE) {
                        thread::yield_now();
                    }
                }
            }
            let clean = self.gate.end_round();
            if self.grey.get() {
                self.gate.reopen();
                continue;
            }
            if !clean {
                continue;
            }
            if !self.marked.load(Relaxed) && self.count.get_acquire() > 1 {
                self.gate.reopen();
                self.marked.store(true, Relaxed);
                self.grey.set(true);
                continue;
            }
            if self.gate.end_judging() {
                if !self.child_marked.load(Relaxed) {
                    self.child.set(0);
                }
                return;
            }
        }
    }
}

fn late(fault: Fault) {
    check(move || {
        let heap = Arc::new(Heap {
            gate: WeakGate::new(),
            word: HandshakeWord::new(),
            count: RefCount::new(1),
            marked: AtomicBool::new(false),
            child_marked: AtomicBool::new(false),
            buffer: Plain::new(false),
            grey: Plain::new(false),
            child: Plain::new(7),
            fault,
        });
        heap.word.attach();
        let mutator = {
            let heap = heap.clone();
            thread::spawn(move || heap.late())
        };
        heap.collect();
        mutator.join().unwrap();
    });
}

#[test]
fn what_a_late_crossing_finds_stays_with_all_that_it_refers_to() {
    late(Fault::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_a_late_crossing_does_not_ask_the_gate() {
    late(Fault::WithoutTheGate);
}
