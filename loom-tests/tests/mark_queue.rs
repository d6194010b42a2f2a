//! The queue of grey objects, its markers and the buffers of mutators: markers stop together, and whatever was shaded has
//! been traced when marking is taken for complete.
//!
//! The queue itself is `crossbeam`'s in the collector; a vector behind a mutex stands for it here.
#![cfg(loom)]

use loom_tests::collector::crew::Crew;
use loom_tests::mutator::gate::WeakGate;
use loom_tests::mutator::handshake::{HandshakeWord, Requests, Target};
use loom_tests::object::reference::{exchange, settled};
use loom_tests::sync::atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed};
use loom_tests::sync::thread;
use loom_tests::sync::{Arc, Mutex};
use loom_tests::{Plain, check, number, object};

const CYCLE: Requests = Requests::CYCLE;

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// A marker counts itself when it has work, not before it looks for some.
    EntersWithWork,
    /// A mutator that helps does not count itself.
    HelpsUncounted,
    /// Markers stop when the queue is empty, whoever is at work.
    StopsAtAnEmptyQueue,
    /// The end of a round asks the gate and the buffers, not the queue.
    QueueIsNotLookedAt,
    /// A buffer is handed over when it is full, and only then.
    AnswersWithItsBuffer,
}

#[derive(Default)]
struct Queue(Mutex<Vec<usize>>);

impl Queue {
    fn push(&self, o: usize) {
        self.0.lock().unwrap().push(o);
    }
    fn pop(&self) -> Option<usize> {
        self.0.lock().unwrap().pop()
    }
    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

/// A grey object 0, which refers to 1, which refers to 2. A marker shares what it finds.
struct Marking {
    queue: Queue,
    crew: Crew,
    traced: [AtomicBool; 3],
    /// Markers that have stopped.
    stopped: [AtomicBool; 2],
    fault: Fault,
}

impl Marking {
    fn drain(&self) {
        while let Some(o) = self.queue.pop() {
            if self.fault == Fault::EntersWithWork {
                self.crew.enter();
            }
            self.traced[o].store(true, Relaxed);
            if o < 2 {
                let left = self.stopped.iter().any(|stopped| stopped.load(Relaxed));
                assert!(!left, "work for a marker that has stopped");
                self.queue.push(o + 1);
            }
            if self.fault == Fault::EntersWithWork {
                self.crew.leave();
            }
        }
    }

    /// As `mark` in the collector.
    fn work(&self, marker: usize) {
        loop {
            if self.fault != Fault::EntersWithWork {
                self.crew.enter();
            }
            self.drain();
            if self.fault != Fault::EntersWithWork {
                self.crew.leave();
            }
            while self.queue.is_empty() {
                if self.crew.is_idle() || self.fault == Fault::StopsAtAnEmptyQueue {
                    self.stopped[marker].store(true, Relaxed);
                    return;
                }
                thread::yield_now();
            }
        }
    }
}

fn two_markers(fault: Fault) {
    check(move || {
        let marking = Arc::new(Marking {
            queue: Queue::default(),
            crew: Crew::new(),
            traced: std::array::from_fn(|_| AtomicBool::new(false)),
            stopped: std::array::from_fn(|_| AtomicBool::new(false)),
            fault,
        });
        marking.queue.push(0);
        let other = {
            let marking = marking.clone();
            // One that starts late finds nothing to do and stops at once; this one has started.
            marking.crew.enter();
            thread::spawn(move || {
                marking.crew.leave();
                marking.work(1);
            })
        };
        marking.work(0);
        other.join().unwrap();
        assert!(marking.queue.is_empty() && marking.traced.iter().all(|t| t.load(Relaxed)), "left grey");
    });
}

#[test]
fn markers_stop_together_and_leave_nothing_grey() {
    two_markers(Fault::None);
}

#[test]
#[should_panic(expected = "work for a marker that has stopped")]
fn twin_a_marker_counts_itself_when_it_has_work() {
    two_markers(Fault::EntersWithWork);
}

#[test]
#[should_panic(expected = "work for a marker that has stopped")]
fn twin_a_marker_stops_at_an_empty_queue() {
    two_markers(Fault::StopsAtAnEmptyQueue);
}

/// A marker with a stack of its own, of which it gives the older half when somebody asks, and a mutator that has asked and helps.
/// Object 0 refers to 1 and 2.
struct Giving {
    queue: Queue,
    crew: Crew,
    traced: [AtomicBool; 3],
    stopped: AtomicBool,
    fault: Fault,
}

impl Giving {
    fn turn(&self, mut stack: Vec<usize>) {
        self.crew.enter();
        while let Some(o) = stack.pop().or_else(|| self.queue.pop()) {
            self.traced[o].store(true, Relaxed);
            if o == 0 {
                stack.extend([1, 2]);
            }
            if stack.len() > 1 && self.crew.wants_work() && self.queue.is_empty() {
                self.queue.push(stack.remove(0));
            }
        }
        self.crew.leave();
    }

    fn mark(&self) {
        self.turn(vec![0]);
        loop {
            if !self.queue.is_empty() {
                self.turn(vec![]);
            } else if self.crew.is_idle() {
                return self.stopped.store(true, Relaxed);
            }
            self.crew.ask();
            thread::yield_now();
        }
    }

    fn help(&self) {
        if self.fault != Fault::HelpsUncounted {
            self.crew.enter();
        }
        if let Some(o) = self.queue.pop() {
            assert!(!self.stopped.load(Relaxed), "work for a marker that has stopped");
            self.traced[o].store(true, Relaxed);
        }
        if self.fault != Fault::HelpsUncounted {
            self.crew.leave();
        }
    }
}

fn giving(fault: Fault) {
    check(move || {
        let heap = Arc::new(Giving {
            queue: Queue::default(),
            crew: Crew::new(),
            traced: std::array::from_fn(|_| AtomicBool::new(false)),
            stopped: AtomicBool::new(false),
            fault,
        });
        heap.crew.ask();
        let helper = {
            let heap = heap.clone();
            thread::spawn(move || heap.help())
        };
        heap.mark();
        helper.join().unwrap();
        assert!(heap.queue.is_empty() && heap.traced.iter().all(|t| t.load(Relaxed)), "left grey");
    });
}

#[test]
fn a_marker_waits_for_who_took_what_it_gave() {
    giving(Fault::None);
}

#[test]
#[should_panic(expected = "work for a marker that has stopped")]
fn twin_a_mutator_helps_and_does_not_count_itself() {
    giving(Fault::HelpsUncounted);
}

/// A mutator that is scanned, and a collector that drains the queue and asks until it takes marking for complete. Object 0
/// is grey; its field refers to 1, and that to 2.
struct Heap {
    queue: Queue,
    gate: WeakGate,
    word: HandshakeWord,
    /// The mutator's grey buffer.
    buffer: Plain<Option<usize>>,
    room: usize,
    field: AtomicPtr<()>,
    marked: [AtomicBool; 3],
    fault: Fault,
}

impl Heap {
    fn mark(&self, o: usize) -> bool {
        let new = !self.marked[o].load(Relaxed);
        self.marked[o].store(true, Relaxed);
        new
    }

    /// By the mutator; with room for one object a buffer is full as soon as it holds it.
    fn shade(&self, o: usize) {
        if self.mark(o) {
            self.buffer.set(Some(o));
            if self.room == 1 {
                self.hand_over();
            }
        }
    }

    fn hand_over(&self) {
        if let Some(o) = self.buffer.get() {
            self.buffer.set(None);
            self.queue.push(o);
        }
    }

    /// By the owner or the holder.
    fn answer(&self) {
        if self.fault != Fault::AnswersWithItsBuffer {
            self.hand_over();
        }
        self.word.serve(CYCLE);
    }

    fn safepoint(&self) {
        if self.word.poll().contains(CYCLE) {
            self.answer();
        }
    }

    /// Cuts the chain, and keeps nothing: what it cut off was there when the snapshot was taken.
    fn mutate(&self) {
        self.safepoint();
        if let Some(o) = number(exchange(&self.field, std::ptr::null_mut())) {
            self.shade(o);
        }
        while self.word.try_enter_native().is_err() {
            self.safepoint();
        }
    }

    fn drain(&self) {
        while let Some(o) = self.queue.pop() {
            let next = match o {
                0 => number(settled(&self.field, |_| false)),
                1 => Some(2),
                _ => None,
            };
            if let Some(next) = next
                && self.mark(next)
            {
                self.queue.push(next);
            }
        }
    }

    /// True when marking is complete; gives up after a few rounds.
    fn collect(&self) -> bool {
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
            if self.fault != Fault::QueueIsNotLookedAt && !self.queue.is_empty() {
                self.gate.reopen();
                continue;
            }
            if clean && self.gate.end_judging() {
                return true;
            }
        }
        false
    }
}

fn buffered(room: usize, fault: Fault) {
    check(move || {
        let heap = Arc::new(Heap {
            queue: Queue::default(),
            gate: WeakGate::new(),
            word: HandshakeWord::new(),
            buffer: Plain::new(None),
            room,
            field: AtomicPtr::new(object(1)),
            marked: std::array::from_fn(|o| AtomicBool::new(o == 0)),
            fault,
        });
        heap.queue.push(0);
        heap.word.attach();
        let mutator = {
            let heap = heap.clone();
            thread::spawn(move || heap.mutate())
        };
        let complete = heap.collect();
        mutator.join().unwrap();
        let traced = heap.marked.iter().all(|m| m.load(Relaxed));
        assert!(!complete || traced, "marking is complete, but something is grey");
    });
}

#[test]
fn what_was_buffered_is_traced_before_marking_is_complete() {
    buffered(2, Fault::None);
}

#[test]
fn what_a_full_buffer_held_is_traced_before_marking_is_complete() {
    buffered(1, Fault::None);
}

#[test]
#[should_panic(expected = "marking is complete, but something is grey")]
fn twin_the_queue_is_not_looked_at_when_a_round_ends() {
    buffered(1, Fault::QueueIsNotLookedAt);
}

#[test]
#[should_panic(expected = "marking is complete, but something is grey")]
fn twin_a_mutator_answers_and_keeps_its_buffer() {
    buffered(2, Fault::AnswersWithItsBuffer);
}
