//! The queues beside a bell: what is put in is delivered, once, to whoever answers; and what happens to a `PyObject` that
//! somebody counts up while its pair dies or while it waits in the queue.
//!
//! The queue itself is `crossbeam`'s in the collector; here the crate's own stack of indices stands for it.
#![cfg(loom)]

use loom_tests::handle::refcount::{Decref, RefCount};
use loom_tests::heap::pool::IndexStack;
use loom_tests::mutator::bell::Bell;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicU32, AtomicUsize, Ordering,
    Ordering::{Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all};

/// A bell, or what would be one if it were weaker.
trait Rings: Send + Sync + 'static {
    fn new() -> Self;
    fn ring(&self);
    fn is_rung(&self) -> bool;
    fn answer(&self) -> bool;
}

impl Rings for Bell {
    fn new() -> Bell {
        Bell::new()
    }
    fn ring(&self) {
        Bell::ring(self);
    }
    fn is_rung(&self) -> bool {
        Bell::is_rung(self)
    }
    fn answer(&self) -> bool {
        Bell::answer(self)
    }
}

/// Rings and answers with or without their orderings; rings by an exchange or by a store.
struct Weak<const RING: bool, const ANSWER: bool, const EXCHANGE: bool = true>(AtomicBool);

impl<const RING: bool, const ANSWER: bool, const EXCHANGE: bool> Rings for Weak<RING, ANSWER, EXCHANGE> {
    fn new() -> Self {
        Weak(AtomicBool::new(false))
    }
    fn ring(&self) {
        let order: Ordering = if RING { Release } else { Relaxed };
        if EXCHANGE {
            self.0.swap(true, order);
        } else {
            self.0.store(true, order);
        }
    }
    fn is_rung(&self) -> bool {
        self.0.load(Relaxed)
    }
    fn answer(&self) -> bool {
        let order: Ordering = if ANSWER { Acquire } else { Relaxed };
        self.0.swap(false, order)
    }
}

struct Queue<B> {
    bell: B,
    links: [AtomicU32; 2],
    stack: IndexStack,
    delivered: [Plain<u32>; 2],
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Right,
    RingsFirst,
    EmptiesFirst,
}

impl<B: Rings> Queue<B> {
    fn new() -> Arc<Self> {
        Arc::new(Queue {
            bell: B::new(),
            links: [AtomicU32::new(0), AtomicU32::new(0)],
            stack: IndexStack::new(),
            delivered: [Plain::new(0), Plain::new(0)],
        })
    }

    fn put(&self, i: u32, order: Order) {
        if order == Order::RingsFirst {
            self.bell.ring();
        }
        self.stack.push(&self.links[..], i);
        if order != Order::RingsFirst {
            self.bell.ring();
        }
    }

    fn empty(&self) {
        while let Some(i) = self.stack.pop(&self.links[..]) {
            self.delivered[i as usize].touch();
        }
    }

    /// A safepoint.
    fn safepoint(&self, order: Order) {
        if !self.bell.is_rung() {
            return;
        }
        if order == Order::EmptiesFirst {
            self.empty();
            let _ = self.bell.answer();
        } else if self.bell.answer() {
            self.empty();
        }
    }
}

/// A thread puts two things in, another has a safepoint meanwhile; later there is one more safepoint.
fn queue<B: Rings>(order: Order) {
    check_all(move || {
        let queue = Queue::<B>::new();
        let other = {
            let queue = queue.clone();
            thread::spawn(move || (0..2).for_each(|i| queue.put(i, order)))
        };
        queue.safepoint(order);
        other.join().unwrap();
        queue.safepoint(order);
        for i in 0..2 {
            assert_eq!(queue.delivered[i].get(), 1, "not delivered once");
        }
    });
}

#[test]
fn what_is_rung_for_is_delivered_once_at_the_next_safepoint_at_the_latest() {
    queue::<Bell>(Order::Right);
}

#[test]
#[should_panic(expected = "not delivered once")]
fn twin_rings_before_it_puts() {
    queue::<Bell>(Order::RingsFirst);
}

#[test]
#[should_panic(expected = "not delivered once")]
fn twin_empties_before_it_answers() {
    queue::<Bell>(Order::EmptiesFirst);
}

/// Two threads put one thing in each, a third has a safepoint meanwhile.
fn two_put<B: Rings>() {
    check_all(|| {
        let queue = Queue::<B>::new();
        let others: Vec<_> = (0..2)
            .map(|i| {
                let queue = queue.clone();
                thread::spawn(move || queue.put(i, Order::Right))
            })
            .collect();
        queue.safepoint(Order::Right);
        others.into_iter().for_each(|t| t.join().unwrap());
        queue.safepoint(Order::Right);
        for i in 0..2 {
            assert_eq!(queue.delivered[i].get(), 1, "not delivered once");
        }
    });
}

#[test]
fn a_ring_that_is_overwritten_is_heard() {
    two_put::<Bell>();
}

#[test]
#[should_panic(expected = "not delivered once")]
fn twin_ring_is_a_store() {
    two_put::<Weak<true, true, false>>();
}

/// One ring that is seen brings what was put in before, without a second ring: the flag is the message.
fn message<B: Rings>() {
    check_all(|| {
        let shared = Arc::new((B::new(), AtomicUsize::new(0)));
        let other = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.store(1, Relaxed);
                shared.0.ring();
            })
        };
        if shared.0.is_rung() && shared.0.answer() {
            assert_eq!(shared.1.load(Relaxed), 1, "rung for nothing");
        }
        other.join().unwrap();
    });
}

#[test]
fn who_answers_sees_what_was_put_in() {
    message::<Bell>();
}

#[test]
#[should_panic(expected = "rung for nothing")]
fn twin_ring_without_release() {
    message::<Weak<false, true>>();
}

#[test]
#[should_panic(expected = "rung for nothing")]
fn twin_answer_without_acquire() {
    message::<Weak<true, false>>();
}

/// The C side of a pair whose object is dead: count 1, the link's own.
struct Ob {
    count: RefCount,
    linked: AtomicBool,
    memory: Plain<u32>,
    freed: AtomicUsize,
}

/// What ends a pair does with the count that the link had.
#[derive(Clone, Copy)]
enum Ends {
    LeavesTheCount,
    SetsItToOne,
    DropsIt,
}

impl Ob {
    fn look(&self) {
        assert_eq!(self.memory.get(), 7, "used after it was freed");
    }

    fn decref(&self) {
        match self.count.decref() {
            Decref::Zero => {
                self.memory.set(0);
                assert_eq!(self.freed.fetch_add(1, Relaxed), 0, "freed twice");
            }
            Decref::Alive => {}
            Decref::Underflow => panic!("a count of nobody was dropped"),
        }
    }

    /// By the collector: false if C holds it.
    fn end(&self, ends: Ends) -> bool {
        if self.count.get_acquire() != 1 {
            return false;
        }
        self.linked.store(false, Release);
        match ends {
            Ends::LeavesTheCount => {}
            Ends::SetsItToOne => self.count.set(1),
            Ends::DropsIt => {
                let _ = self.count.drop_link();
            }
        }
        true
    }
}

/// A thread that knows the address from a table of its own counts up, uses the object, counts down, while the collector
/// ends the pair; then whoever takes it out of the queue drops the count that the queue held.
fn counted_while_it_dies(ends: Ends) {
    check_all(move || {
        let ob = Arc::new(Ob {
            count: RefCount::new(1),
            linked: AtomicBool::new(true),
            memory: Plain::new(7),
            freed: AtomicUsize::new(0),
        });
        let user = {
            let ob = ob.clone();
            thread::spawn(move || {
                ob.count.incref();
                ob.look();
                ob.decref();
            })
        };
        let queued = ob.end(ends);
        user.join().unwrap();
        assert_eq!(ob.count.count(), 1, "the queue's count, or the link's, was lost");
        assert_eq!(ob.freed.load(Relaxed), 0, "freed under its holder");
        assert_eq!(ob.linked.load(Acquire), !queued);
        if queued {
            ob.decref();
            assert_eq!(ob.freed.load(Relaxed), 1);
        }
    });
}

#[test]
fn a_pair_that_is_counted_up_while_it_dies_keeps_its_count() {
    counted_while_it_dies(Ends::LeavesTheCount);
}

#[test]
#[should_panic(expected = "was lost")]
fn twin_the_queue_sets_the_count_to_one() {
    counted_while_it_dies(Ends::SetsItToOne);
}

#[test]
#[should_panic(expected = "was lost")]
fn twin_the_queue_holds_no_count() {
    counted_while_it_dies(Ends::DropsIt);
}

/// Two who have a reference of a queued object, one from its table (taken while it was queued) and one from the queue:
/// the last frees, after every use.
fn two_references(takes: fn(&Ob)) {
    check_all(move || {
        let ob = Arc::new(Ob {
            count: RefCount::new(1),
            linked: AtomicBool::new(false),
            memory: Plain::new(7),
            freed: AtomicUsize::new(0),
        });
        ob.count.incref();
        let user = {
            let ob = ob.clone();
            thread::spawn(move || {
                ob.look();
                ob.decref();
            })
        };
        ob.look();
        takes(&ob);
        user.join().unwrap();
        assert_eq!(ob.freed.load(Relaxed), 1, "never freed");
    });
}

#[test]
fn of_a_queued_object_the_last_reference_frees_whoever_has_it() {
    two_references(Ob::decref);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_who_takes_it_out_frees_it_whatever_its_count() {
    two_references(|ob| {
        ob.memory.set(0);
        ob.freed.fetch_add(1, Relaxed);
    });
}
