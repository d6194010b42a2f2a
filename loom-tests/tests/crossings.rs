//! Two mutators that cross to each other's private objects: each asks the other to publish, waits, and serves meanwhile.
//! Neither waits for ever, and a crossing never collects.
#![cfg(loom)]

use loom_tests::mutator::handshake::{HandshakeWord, Requests, Target};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check};

const PUBLISH: Requests = Requests::PUBLISH;
const CYCLE: Requests = Requests::CYCLE;

/// A mutator and the one object that it may have to publish.
struct Mutator {
    word: HandshakeWord,
    /// The link word's tag: while it is set only the owner (or its holder) touches the object.
    private: AtomicBool,
    object: Plain<u32>,
    /// Minor collections of this mutator.
    collected: Plain<u32>,
}

struct Heap([Mutator; 2]);

/// What a mutator serves while it waits in a crossing.
#[derive(Clone, Copy, PartialEq)]
enum Serve {
    Publish,
    Nothing,
    Everything,
}

impl Mutator {
    fn new() -> Mutator {
        let m = Mutator {
            word: HandshakeWord::new(),
            private: AtomicBool::new(true),
            object: Plain::new(0),
            collected: Plain::new(0),
        };
        m.word.attach();
        m
    }

    /// By the owner or its holder.
    fn publish(&self) {
        if self.private.load(Acquire) {
            self.object.set(7);
            // Release: pairs with the acquire of who waits for the tag.
            self.private.store(false, Release);
        }
    }

    fn serve(&self, requests: Requests) {
        if requests.contains(PUBLISH) {
            self.word.serve(PUBLISH);
            self.publish();
        }
        if requests.contains(CYCLE) {
            self.collected.touch();
            self.word.serve(CYCLE);
        }
    }

    fn collected(&self) -> u32 {
        self.collected.get()
    }
}

/// By `own`, to the object of `other`.
fn cross(own: &Mutator, other: &Mutator, serves: Serve) {
    let before = own.collected();
    while other.private.load(Acquire) {
        match other.word.request(PUBLISH) {
            Target::Native if other.word.try_hold() => {
                other.word.serve(PUBLISH);
                other.publish();
                let _ = other.word.release(Requests::NONE);
                continue;
            }
            _ => {}
        }
        match serves {
            Serve::Publish => own.serve(own.word.poll().intersection(PUBLISH)),
            Serve::Nothing => {}
            Serve::Everything => own.serve(own.word.poll()),
        }
        thread::yield_now();
    }
    assert_eq!(other.object.get(), 7);
    assert_eq!(own.collected(), before, "a crossing collected");
}

fn two_crossings(serves: Serve) {
    check(move || {
        let heap = Arc::new(Heap([Mutator::new(), Mutator::new()]));
        // A cycle is on and waits for both.
        heap.0.iter().for_each(|m| assert_eq!(m.word.request(CYCLE), Target::Running));
        let threads: Vec<_> = (0..2)
            .map(|i| {
                let heap = heap.clone();
                thread::spawn(move || {
                    let (own, other) = (&heap.0[i], &heap.0[1 - i]);
                    cross(own, other, serves);
                    while let Err(requests) = own.word.try_enter_native() {
                        own.serve(requests);
                    }
                    assert_eq!(own.collected(), 1, "a request was lost");
                })
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
    });
}

#[test]
fn two_crossings_that_wait_for_each_other_both_end_and_do_not_collect() {
    two_crossings(Serve::Publish);
}

#[test]
#[should_panic(expected = "exceeded maximum number of branches")]
fn twin_who_waits_serves_nothing() {
    two_crossings(Serve::Nothing);
}

#[test]
#[should_panic(expected = "a crossing collected")]
fn twin_who_waits_serves_everything() {
    two_crossings(Serve::Everything);
}
