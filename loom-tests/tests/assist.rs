//! A mutator that helps to mark while a flush round is on: what it took is not taken for done.
//!
//! The helper has the only grey object in its hands; another mutator, which has answered the round, loads the child of
//! that object, cuts it off and shades it into its own buffer. The helper finds the field empty, nothing is grey at the end
//! of the round, and nobody asks for the buffer again: so the helper dirties the gate when it has traced something.
#![cfg(loom)]

use loom_tests::mutator::gate::WeakGate;
use loom_tests::mutator::handshake::{HandshakeWord, Requests, Target};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check};

const CYCLE: Requests = Requests::CYCLE;

struct Mutator {
    word: HandshakeWord,
    buffer: Plain<u32>,
}

struct Heap {
    gate: WeakGate,
    /// The helper and the other one, both scanned.
    mutators: [Mutator; 2],
    /// The shared queue: how many objects are grey. The one at the start is the parent.
    grey: AtomicU32,
    /// Whether the parent's field refers to the child, and the child's mark.
    field: AtomicBool,
    marked: AtomicBool,
    disturbs: Disturbs,
}

/// What the helper does with the gate after it has traced something.
#[derive(Clone, Copy, PartialEq)]
enum Disturbs {
    Rightly,
    Never,
    /// By a weak load, which may see an old state.
    ByLoad,
}

impl Heap {
    /// By the owner or its holder.
    fn hand_over(&self, m: &Mutator) {
        let shaded = m.buffer.get();
        if shaded != 0 {
            m.buffer.set(0);
            self.grey.fetch_add(shaded, AcqRel);
            self.gate.disturb();
        }
    }

    fn safepoint(&self, m: &Mutator) {
        if m.word.poll().contains(CYCLE) {
            self.hand_over(m);
            m.word.serve(CYCLE);
        }
    }

    fn native(&self, m: &Mutator) {
        while m.word.try_enter_native().is_err() {
            self.safepoint(m);
        }
    }

    /// Takes what is grey and traces it. True if there was any.
    fn drain(&self) -> bool {
        let taken = self.grey.swap(0, AcqRel) != 0;
        if taken && self.field.load(Acquire) {
            self.marked.store(true, Relaxed);
        }
        taken
    }

    /// Between two safepoints.
    fn help(&self, m: &Mutator) {
        self.safepoint(m);
        if self.drain() {
            match self.disturbs {
                Disturbs::Rightly => self.gate.disturb(),
                Disturbs::Never => {}
                Disturbs::ByLoad => {
                    let _ = self.gate.weak_load();
                }
            }
        }
        self.native(m);
    }

    /// Takes the child out of the field into a root, with the barrier of a public field.
    fn cut_off(&self, m: &Mutator) {
        self.safepoint(m);
        let mine = self.field.swap(false, AcqRel);
        // A look and a store: two may mark one object, and both trace it.
        if mine && !self.marked.load(Relaxed) {
            self.marked.store(true, Relaxed);
            m.buffer.set(m.buffer.get() + 1);
        }
        self.native(m);
    }

    /// True when the collector takes marking for complete, after one round.
    fn collect(&self) -> bool {
        self.drain();
        self.gate.begin_flush();
        for m in &self.mutators {
            match m.word.request(CYCLE) {
                Target::Native if m.word.try_hold() => {
                    self.hand_over(m);
                    let _ = m.word.release(CYCLE);
                }
                _ => {}
            }
        }
        for m in &self.mutators {
            while m.word.is_requested(CYCLE) {
                thread::yield_now();
            }
        }
        let clean = self.gate.end_round();
        if self.grey.load(Acquire) != 0 {
            self.gate.reopen();
            return false;
        }
        clean && self.gate.end_judging()
    }
}

/// The child refers to something that only its own tracing marks: so whoever shades it must be asked for it.
fn helping(disturbs: Disturbs) {
    check(move || {
        let mutator = || Mutator { word: HandshakeWord::new(), buffer: Plain::new(0) };
        let heap = Arc::new(Heap {
            gate: WeakGate::new(),
            mutators: [mutator(), mutator()],
            grey: AtomicU32::new(1),
            field: AtomicBool::new(true),
            marked: AtomicBool::new(false),
            disturbs,
        });
        heap.mutators.iter().for_each(|m| m.word.attach());
        let act = |i: usize, act: fn(&Heap, &Mutator)| {
            let heap = heap.clone();
            thread::spawn(move || act(&heap, &heap.mutators[i]))
        };
        let threads = [act(0, Heap::help), act(1, Heap::cut_off)];
        let complete = heap.collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        let buffered = heap.mutators[1].buffer.get() != 0;
        assert!(!(complete && buffered), "marking is complete, but something is grey");
    });
}

#[test]
fn what_a_helper_took_makes_the_round_dirty() {
    helping(Disturbs::Rightly);
}

#[test]
#[should_panic(expected = "marking is complete, but something is grey")]
fn twin_helper_does_not_disturb_the_round() {
    helping(Disturbs::Never);
}

#[test]
#[should_panic(expected = "marking is complete, but something is grey")]
fn twin_helper_disturbs_by_a_load() {
    helping(Disturbs::ByLoad);
}
