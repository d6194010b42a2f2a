//! The weak gate: a weak load races with the flush round, the judgement and the sweep. What it answered is not freed, and
//! it never waits. The mutator is scanned and has no snapshot to come: only its buffer keeps what it loads.
#![cfg(loom)]

use loom_tests::mutator::gate::{WeakGate, WeakLoad};
use loom_tests::mutator::handshake::{HandshakeWord, Requests, Target};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_bounded};

const CYCLE: Requests = Requests::CYCLE;

/// The gate's transitions, of the real one and of weakened ones.
trait Gate: Send + Sync + 'static {
    fn begin_flush(&self);
    fn end_round(&self) -> bool;
    fn end_judging(&self) -> bool;
    fn reopen(&self);
    fn weak_load(&self) -> WeakLoad;
}

impl Gate for WeakGate {
    fn begin_flush(&self) {
        WeakGate::begin_flush(self);
    }
    fn end_round(&self) -> bool {
        WeakGate::end_round(self)
    }
    fn end_judging(&self) -> bool {
        WeakGate::end_judging(self)
    }
    fn reopen(&self) {
        WeakGate::reopen(self);
    }
    fn weak_load(&self) -> WeakLoad {
        WeakGate::weak_load(self)
    }
}

/// A step of the scenario that a twin does wrongly.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    AllRight,
    /// The round is asked for before the gate flushes.
    AskBeforeFlush,
    /// A safepoint between the weak load and the shading.
    SafepointBeforeShade,
}

struct Mutator {
    word: HandshakeWord,
    /// Its grey buffer: how many objects it shaded since its last answer.
    buffer: Plain<u32>,
    /// What it has handed over, for the collector, once the answer is there.
    handed: Plain<u32>,
}

struct Heap<G> {
    gate: G,
    mutators: Vec<Mutator>,
    /// Of the one object that only a weak reference refers to.
    marked: AtomicBool,
    memory: Plain<u32>,
}

impl<G: Gate> Heap<G> {
    fn hand_over(&self, m: &Mutator) {
        let shaded = m.buffer.get();
        m.buffer.set(0);
        m.handed.set(m.handed.get() + shaded);
    }

    fn safepoint(&self, m: &Mutator) {
        if m.word.poll().contains(CYCLE) {
            self.hand_over(m);
            m.word.serve(CYCLE);
        }
    }

    fn weak_load(&self, m: &Mutator, step: Step) -> bool {
        if !self.marked.load(Relaxed) {
            match self.gate.weak_load() {
                WeakLoad::Shade => {
                    if step == Step::SafepointBeforeShade {
                        self.safepoint(m);
                    }
                    if !self.marked.swap(true, Relaxed) {
                        m.buffer.touch();
                    }
                }
                WeakLoad::Dead => return false,
            }
        }
        true
    }

    /// True when the object was loaded.
    fn mutate(&self, m: &Mutator, step: Step) -> bool {
        self.safepoint(m);
        let loaded = self.weak_load(m, step);
        while m.word.try_enter_native().is_err() {
            self.safepoint(m);
        }
        if loaded {
            // A strong reference, which it has from the load to the end.
            assert_eq!(self.memory.get(), 7, "loaded what was freed");
        }
        loaded
    }

    /// One round: asks everybody, and answers how many objects were handed over.
    fn ask(&self) -> u32 {
        for m in &self.mutators {
            match m.word.request(CYCLE) {
                Target::Native if m.word.try_hold() => {
                    self.hand_over(m);
                    let _ = m.word.release(CYCLE);
                }
                _ => {}
            }
        }
        let mut grey = 0;
        for m in &self.mutators {
            while m.word.is_requested(CYCLE) {
                thread::yield_now();
            }
            grey += m.handed.get();
            m.handed.set(0);
        }
        grey
    }

    /// True when the object was freed. Gives up after a few rounds.
    fn collect(&self, rounds: usize, step: Step) -> bool {
        for _ in 0..rounds {
            let grey = if step == Step::AskBeforeFlush {
                let grey = self.ask();
                self.gate.begin_flush();
                grey
            } else {
                self.gate.begin_flush();
                self.ask()
            };
            if grey != 0 {
                self.gate.reopen();
            } else if self.gate.end_round() && self.gate.end_judging() {
                let dead = !self.marked.load(Relaxed);
                if dead {
                    self.memory.set(0);
                }
                return dead;
            }
        }
        false
    }
}

/// What happened in any execution: so that no claim holds because nothing ever happens.
#[derive(Default)]
struct Outcomes {
    freed: std::sync::atomic::AtomicBool,
    loaded: std::sync::atomic::AtomicBool,
    dead: std::sync::atomic::AtomicBool,
}

fn scenario<G: Gate>(
    preemptions: usize,
    mutators: usize,
    rounds: usize,
    gate: impl Fn() -> G + Send + Sync + 'static,
    step: Step,
) -> Arc<Outcomes> {
    let outcomes = Arc::new(Outcomes::default());
    let seen = outcomes.clone();
    check_bounded(preemptions, move || {
        let heap = Arc::new(Heap {
            gate: gate(),
            mutators: (0..mutators)
                .map(|_| Mutator { word: HandshakeWord::new(), buffer: Plain::new(0), handed: Plain::new(0) })
                .collect(),
            marked: AtomicBool::new(false),
            memory: Plain::new(7),
        });
        heap.mutators.iter().for_each(|m| m.word.attach());
        let threads: Vec<_> = (0..mutators)
            .map(|i| {
                let heap = heap.clone();
                thread::spawn(move || heap.mutate(&heap.mutators[i], step))
            })
            .collect();
        seen.freed.fetch_or(heap.collect(rounds, step), Relaxed);
        for thread in threads {
            let loaded = thread.join().unwrap();
            assert!(loaded || !heap.marked.load(Relaxed), "answered dead, but alive");
            seen.loaded.fetch_or(loaded, Relaxed);
            seen.dead.fetch_or(!loaded, Relaxed);
        }
    });
    outcomes
}

fn all_happened(outcomes: &Outcomes) {
    assert!(outcomes.freed.load(Relaxed), "never freed");
    assert!(outcomes.loaded.load(Relaxed), "never loaded");
    assert!(outcomes.dead.load(Relaxed), "never found dead");
}

#[test]
fn a_weakly_loaded_object_is_not_freed() {
    all_happened(&scenario(3, 1, 2, WeakGate::new, Step::AllRight));
}

#[test]
fn an_object_loaded_by_two_is_not_freed() {
    all_happened(&scenario(2, 2, 1, WeakGate::new, Step::AllRight));
}

/// A collector that marks and then has its last word, against the weak loads of one that reads no mark before.
fn last_word<G: Gate>(gate: impl Fn() -> G + Send + Sync + 'static, dirties: bool) {
    check_bounded(3, move || {
        let heap = Arc::new((gate(), AtomicBool::new(false)));
        let collector = {
            let heap = heap.clone();
            thread::spawn(move || {
                heap.1.store(true, Relaxed);
                heap.0.begin_flush();
                let _ = heap.0.end_round() && heap.0.end_judging();
            })
        };
        if dirties {
            let _ = heap.0.weak_load();
        }
        if heap.0.weak_load() == WeakLoad::Dead {
            assert!(heap.1.load(Relaxed), "dead, but the mark came later");
        }
        collector.join().unwrap();
    });
}

#[test]
fn who_is_told_dead_sees_every_mark() {
    last_word(WeakGate::new, false);
    last_word(WeakGate::new, true);
}

#[test]
#[should_panic(expected = "dead, but the mark came later")]
fn twin_last_word_without_release() {
    last_word(|| Weakened(AtomicU32::new(0), Fault::LastWordWithoutRelease), false);
}

/// What a weakened gate leaves out.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    FlushingIsNotDirtied,
    JudgingIsNotDirtied,
    LastWordIsAStore,
    LastWordWithoutRelease,
}

/// The gate once more: 0 marking, 1 flushing, 2 dirty, 3 judging, 4 clearing.
struct Weakened(AtomicU32, Fault);

impl Gate for Weakened {
    fn begin_flush(&self) {
        self.0.store(1, Relaxed);
    }
    fn end_round(&self) -> bool {
        self.decide(1, 3)
    }
    fn end_judging(&self) -> bool {
        if self.1 == Fault::LastWordIsAStore {
            let clean = self.0.load(Relaxed) == 3;
            self.0.store(if clean { 4 } else { 0 }, Release);
            return clean;
        }
        self.decide(3, 4)
    }
    fn reopen(&self) {
        self.0.swap(0, Relaxed);
    }
    fn weak_load(&self) -> WeakLoad {
        let mut state = self.0.load(Acquire);
        while state == 1 && self.1 != Fault::FlushingIsNotDirtied || state == 3 && self.1 != Fault::JudgingIsNotDirtied
        {
            match self.0.compare_exchange(state, 2, AcqRel, Acquire) {
                Ok(_) => return WeakLoad::Shade,
                Err(now) => state = now,
            }
        }
        if state == 4 { WeakLoad::Dead } else { WeakLoad::Shade }
    }
}

impl Weakened {
    fn decide(&self, from: u32, to: u32) -> bool {
        let order = if self.1 == Fault::LastWordWithoutRelease { Relaxed } else { Release };
        let clean = self.0.compare_exchange(from, to, order, Relaxed).is_ok();
        if !clean {
            self.0.store(0, Relaxed);
        }
        clean
    }
}

fn twin(fault: Fault) {
    scenario(3, 1, 1, move || Weakened(AtomicU32::new(0), fault), Step::AllRight);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_a_load_in_the_round_does_not_dirty_it() {
    twin(Fault::FlushingIsNotDirtied);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_a_load_while_judging_does_not_dirty() {
    twin(Fault::JudgingIsNotDirtied);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_the_last_word_is_no_exchange() {
    twin(Fault::LastWordIsAStore);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_round_is_asked_for_before_the_gate_flushes() {
    scenario(3, 1, 1, WeakGate::new, Step::AskBeforeFlush);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_safepoint_between_load_and_shade() {
    scenario(3, 1, 1, WeakGate::new, Step::SafepointBeforeShade);
}
