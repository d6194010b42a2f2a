//! Two mutators that cross to each other's private objects: each asks the other to publish, waits, and serves meanwhile.
//! Neither waits for ever, and a crossing never collects.
#![cfg(loom)]

use loom_tests::handle::link_word::{LinkCell, LinkWord};
use loom_tests::mutator::handshake::{HandshakeWord, Requests, Target};
use loom_tests::mutator::publish_wait::{ask_owner, serve_if_asked};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check};

const PUBLISH: Requests = Requests::PUBLISH;
const CYCLE: Requests = Requests::CYCLE;

/// A mutator and the one object that it may have to publish.
struct Mutator {
    word: HandshakeWord,
    /// While it is private only the owner (or its holder) touches the object.
    link: LinkCell,
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
            link: LinkCell::new(LinkWord::tagged(8, true, false).private(true)),
            object: Plain::new(0),
            collected: Plain::new(0),
        };
        m.word.attach();
        m
    }

    /// By the owner or its holder.
    fn publish(&self) {
        if self.link.get().is_private() {
            self.object.set(7);
            self.link.publish();
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
    let pause = || {
        match serves {
            Serve::Publish => serve_if_asked(&own.word, || own.publish()),
            Serve::Nothing => {}
            Serve::Everything => own.serve(own.word.poll()),
        }
        thread::yield_now();
    };
    ask_owner(&other.word, || !other.link.get().is_private(), || {}, || other.publish(), || {}, pause);
    assert_eq!(other.link.get(), LinkWord::tagged(8, true, false), "the tags are gone, and nothing else");
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

/// A handle that two threads have: one publishes an object and links it, the other follows the link.
fn linked_while_another_follows(link: impl Fn(&LinkCell, &AtomicUsize, LinkWord) + Copy + Send + Sync + 'static) {
    check(move || {
        let pair = Arc::new((LinkCell::new(LinkWord(0)), AtomicUsize::new(0), Plain::new(0)));
        let other = pair.clone();
        let linking = thread::spawn(move || {
            other.2.set(7);
            link(&other.0, &other.1, LinkWord::tagged(8, false, true));
        });
        if pair.0.get().is_linked() || pair.1.load(Acquire) != 0 {
            assert_eq!(pair.2.get(), 7);
        }
        linking.join().unwrap();
    });
}

#[test]
fn who_finds_a_link_finds_a_public_object() {
    linked_while_another_follows(|link, _, word| link.set(word));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_linked_without_release() {
    linked_while_another_follows(|_, weak, word| weak.store(word.0, Relaxed));
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
