//! The number of a cycle as the mark: what a mutator promotes carries the number of the cycle before until its snapshot, and
//! that of the cycle from then on, whether it was there from the start or attaches in the middle. So what is in use when the
//! cycle ends is marked, by the snapshot or by its birth.
#![cfg(loom)]

use loom_tests::mutator::ask::{Answer, Ask, Demand, Phase};
use loom_tests::mutator::handshake::{HandshakeWord, Requests, Target};
use loom_tests::mutator::registry::Asked;
use loom_tests::object::epoch::next_epoch;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicU8, AtomicU64,
    Ordering::{Acquire, Relaxed},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check, check_all};

const CYCLE: Requests = Requests::CYCLE;
/// The last cycle before: the next one has number 1.
const BEFORE: u8 = 255;

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// What is asked is looked up before the record is attached, and not again.
    FirstGuessOnly,
    /// The number does not change with the snapshot.
    NumberStays,
    /// The snapshot shades nothing.
    NoShading,
}

/// One mutator's record, and the one object that it promotes.
struct Heap {
    asked: Asked,
    word: HandshakeWord,
    answered: Answer,
    /// Owner's or holder's.
    stance: Plain<(Phase, u8)>,
    /// Whether a root refers to the object.
    root: Plain<bool>,
    mark: AtomicU8,
    fault: Fault,
}

impl Heap {
    fn adopt(&self, word: u64) {
        self.stance.set(Ask::decode(word).stance());
        self.answered.give(word);
    }

    fn attach(&self) {
        self.adopt(self.asked.get());
        self.word.attach();
        if self.fault != Fault::FirstGuessOnly {
            self.adopt(self.asked.adopt());
        }
    }

    /// By the owner or the holder.
    fn answer(&self) {
        let word = self.asked.get();
        if self.answered.is(word) {
            return;
        }
        let ask = Ask::decode(word);
        let parity = self.stance.get().1;
        if ask.demand == Demand::Snapshot && self.root.get() && self.fault != Fault::NoShading {
            self.mark.store(ask.epoch, Relaxed);
        }
        let stays = ask.demand == Demand::Arm || self.fault == Fault::NumberStays;
        self.stance.set((ask.stance().0, if stays { parity } else { ask.epoch }));
        self.answered.give(word);
    }

    fn safepoint(&self) {
        if self.word.poll().contains(CYCLE) {
            self.word.serve(CYCLE);
            self.answer();
        }
    }

    fn promote(&self) {
        let (phase, parity) = self.stance.get();
        assert!(phase != Phase::Armed || parity == BEFORE, "armed, and promotes what is not traced as marked");
        self.mark.store(parity, Relaxed);
        self.root.set(true);
    }

    /// Asks, as `Record::deliver` does, until the mutator has answered or is not there.
    fn handshake(&self, round: u64, demand: Demand) {
        let word = Ask { round, epoch: next_epoch(BEFORE), demand }.encode();
        self.asked.publish(word);
        while !self.answered.is(word) {
            match self.word.request(CYCLE) {
                Target::Detached => return,
                Target::Native if self.word.try_hold() => {
                    self.word.serve(CYCLE);
                    self.answer();
                    let _ = self.word.release(Requests::NONE);
                    return;
                }
                _ => thread::yield_now(),
            }
        }
    }
}

/// The mutator is attached from the start, or attaches while the cycle begins; it promotes one object.
fn cycle(attached: bool, fault: Fault) {
    check(move || {
        let idle = Ask { round: 1, epoch: BEFORE, demand: Demand::Disarm };
        let heap = Arc::new(Heap {
            asked: Asked::new(idle.encode()),
            word: HandshakeWord::new(),
            answered: Answer::new(),
            stance: Plain::new(idle.stance()),
            root: Plain::new(false),
            mark: AtomicU8::new(0),
            fault,
        });
        if attached {
            heap.attach();
        }
        let mutator = {
            let heap = heap.clone();
            thread::spawn(move || {
                if !attached {
                    heap.attach();
                }
                // The second, so that one that was there from the start may be armed, or scanned, when it promotes.
                heap.safepoint();
                if attached {
                    heap.safepoint();
                }
                heap.promote();
                while heap.word.try_enter_native().is_err() {
                    heap.safepoint();
                }
            })
        };
        heap.handshake(2, Demand::Arm);
        heap.handshake(3, Demand::Snapshot);
        heap.handshake(4, Demand::Flush);
        mutator.join().unwrap();
        assert_eq!(heap.mark.load(Relaxed), next_epoch(BEFORE), "in use and not marked");
    });
}

#[test]
fn what_is_promoted_around_a_snapshot_is_marked_when_the_cycle_ends() {
    cycle(true, Fault::None);
}

#[test]
fn what_is_promoted_by_one_that_attaches_is_marked_when_the_cycle_ends() {
    cycle(false, Fault::None);
}

/// The collector reads what the mutator did for its answer, without a second message.
fn answer(give: fn(&Answer, &AtomicU64), is: fn(&Answer, &AtomicU64) -> bool) {
    check_all(move || {
        let record = Arc::new((Answer::new(), AtomicU64::new(0), Plain::new(0)));
        let mutator = {
            let record = record.clone();
            thread::spawn(move || {
                record.2.set(1);
                give(&record.0, &record.1);
            })
        };
        if is(&record.0, &record.1) {
            assert_eq!(record.2.get(), 1);
        }
        mutator.join().unwrap();
    });
}

#[test]
fn who_reads_an_answer_sees_the_work() {
    answer(|answer, _| answer.give(7), |answer, _| answer.is(7));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_an_answer_without_release() {
    answer(|_, word| word.store(7, Relaxed), |_, word| word.load(Acquire) == 7);
}

#[test]
#[should_panic(expected = "in use and not marked")]
fn twin_the_number_does_not_change_with_the_snapshot() {
    cycle(true, Fault::NumberStays);
}

#[test]
#[should_panic(expected = "in use and not marked")]
fn twin_the_snapshot_does_not_shade() {
    cycle(true, Fault::NoShading);
}

#[test]
#[should_panic(expected = "in use and not marked")]
fn twin_what_is_asked_is_looked_up_before_the_record_is_attached() {
    cycle(false, Fault::FirstGuessOnly);
}
