//! A mutator that helps to mark while a flush round is on: what it took is not taken for done. It has grey objects in its
//! hands that nobody sees, so it makes the round dirty twice: before it takes any, and when it has traced them.
//!
//! - *Before:* it may have answered the round. Another, which has not, hands over a full buffer; the helper takes that,
//!   nothing is grey at the end of the round, and the collector takes marking for complete while the helper still traces.
//! - *After:* a round may have begun since. Another mutator, which has answered it, loads the child of what the helper has
//!   taken, cuts it off and shades it into its own buffer. The helper finds the field empty, nothing is grey at the end of
//!   the round, and nobody asks for the buffer again.
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
    /// Whether the second mutator has answered, or its holder for it: from then on it has nothing to shade.
    answered: Plain<bool>,
    /// Whether it has shaded something before.
    shaded: Plain<bool>,
    disturbs: Disturbs,
}

/// When and how the helper makes the round dirty.
#[derive(Clone, Copy, PartialEq)]
enum Disturbs {
    Rightly,
    /// Not when it has traced something.
    OnlyBefore,
    /// Not before it takes something.
    OnlyAfter,
    /// When it has traced something, by a weak load, which may see an old state.
    ByLoad,
}

impl Heap {
    /// By the owner or its holder.
    fn hand_over(&self, m: &Mutator) {
        if std::ptr::eq(m, &self.mutators[1]) {
            self.answered.set(true);
        }
        let shaded = m.buffer.get();
        if shaded != 0 {
            m.buffer.set(0);
            self.grey.fetch_add(shaded, AcqRel);
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
        if self.grey.load(Acquire) != 0 {
            if self.disturbs != Disturbs::OnlyAfter {
                self.gate.disturb();
            }
            if self.drain() {
                match self.disturbs {
                    Disturbs::Rightly | Disturbs::OnlyAfter => self.gate.disturb(),
                    Disturbs::OnlyBefore => {}
                    Disturbs::ByLoad => {
                        let _ = self.gate.weak_load();
                    }
                }
            }
        }
        self.native(m);
    }

    /// Shades the parent, which nobody knew to be grey, and hands it over at once: its buffer is full.
    fn overflow(&self, m: &Mutator) {
        self.safepoint(m);
        if !self.answered.get() {
            self.grey.fetch_add(1, AcqRel);
            self.shaded.set(true);
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
        let complete = clean && self.gate.end_judging();
        // What was handed over before the end of the round is traced by now.
        let shaded = self.shaded.get() && complete;
        assert!(!shaded || self.marked.load(Relaxed), "marking is complete, but somebody still traces");
        complete
    }
}

fn heap(grey: u32, disturbs: Disturbs) -> Arc<Heap> {
    let mutator = || Mutator { word: HandshakeWord::new(), buffer: Plain::new(0) };
    let heap = Arc::new(Heap {
        gate: WeakGate::new(),
        mutators: [mutator(), mutator()],
        grey: AtomicU32::new(grey),
        field: AtomicBool::new(true),
        marked: AtomicBool::new(false),
        answered: Plain::new(false),
        shaded: Plain::new(false),
        disturbs,
    });
    heap.mutators.iter().for_each(|m| m.word.attach());
    heap
}

fn run(heap: &Arc<Heap>, other: fn(&Heap, &Mutator)) -> bool {
    let act = |i: usize, act: fn(&Heap, &Mutator)| {
        let heap = heap.clone();
        thread::spawn(move || act(&heap, &heap.mutators[i]))
    };
    let threads = [act(0, Heap::help), act(1, other)];
    let complete = heap.collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    complete
}

/// The child refers to something that only its own tracing marks: so whoever shades it must be asked for it.
fn helping(disturbs: Disturbs) {
    check(move || {
        let heap = heap(1, disturbs);
        let complete = run(&heap, Heap::cut_off);
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
    helping(Disturbs::OnlyBefore);
}

#[test]
#[should_panic(expected = "marking is complete, but something is grey")]
fn twin_helper_disturbs_by_a_load() {
    helping(Disturbs::ByLoad);
}

/// Nothing is grey when the round begins; a full buffer is handed over in it.
fn taking(disturbs: Disturbs) {
    check(move || {
        run(&heap(0, disturbs), Heap::overflow);
    });
}

#[test]
fn what_a_helper_takes_after_its_answer_makes_the_round_dirty() {
    taking(Disturbs::Rightly);
}

#[test]
#[should_panic(expected = "marking is complete, but somebody still traces")]
fn twin_helper_disturbs_when_it_is_done() {
    taking(Disturbs::OnlyAfter);
}
