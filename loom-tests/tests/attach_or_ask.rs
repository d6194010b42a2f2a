//! Attaching while the collector asks: a Dekker pair of the record in the registry and the phase that is asked for.
#![cfg(loom)]

use loom_tests::mutator::handshake::{HandshakeWord, Requests, Target};
use loom_tests::mutator::registry::{Asked, Registry};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
    fence,
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all};

const IDLE: u64 = 0;
const ARMED: u64 = 1;

/// States of a word without the type.
const RUNNING: u32 = 0;
const DETACHED: u32 = 3;

struct Heap {
    registry: Registry<HandshakeWord>,
    asked: Asked,
}

/// A collector opens the arm round while a thread attaches, to a new record or (`reuse`) to one that waits for it.
fn attach_against_ask(reuse: bool) {
    check_all(move || {
        let heap = Arc::new(Heap { registry: Registry::new(), asked: Asked::new(IDLE) });
        if reuse {
            heap.registry.release(heap.registry.claim(HandshakeWord::new));
        }
        let collector = {
            let heap = heap.clone();
            thread::spawn(move || {
                heap.asked.publish(ARMED);
                heap.registry.iter().any(|word| word.request(Requests::CYCLE) == Target::Running)
            })
        };
        let word = heap.registry.claim(HandshakeWord::new);
        word.attach();
        let adopted = heap.asked.adopt();
        let met = collector.join().unwrap();
        assert!(met || adopted == ARMED, "a mutator that nobody asked");
        assert_eq!(met, word.poll().contains(Requests::CYCLE));
    });
}

#[test]
fn a_thread_that_attaches_to_a_used_record_is_asked_or_adopts() {
    attach_against_ask(true);
}

#[test]
fn a_thread_that_attaches_to_a_new_record_is_asked_or_adopts() {
    attach_against_ask(false);
}

/// A collector prepares something and asks; a mutator that finds what is asked finds that, too.
fn message<A: Send + Sync + 'static>(asked: fn() -> A, publish: fn(&A), read: fn(&A) -> u64) {
    check_all(move || {
        let heap = Arc::new((asked(), AtomicU32::new(0)));
        let collector = {
            let heap = heap.clone();
            thread::spawn(move || {
                heap.1.store(1, Relaxed);
                publish(&heap.0);
            })
        };
        if read(&heap.0) == ARMED {
            assert_eq!(heap.1.load(Relaxed), 1, "asked for nothing");
        }
        collector.join().unwrap();
    });
}

#[test]
fn what_is_adopted_brings_what_belongs_to_it() {
    message(|| Asked::new(IDLE), |asked| asked.publish(ARMED), Asked::adopt);
}

#[test]
fn what_is_looked_up_brings_what_belongs_to_it() {
    message(|| Asked::new(IDLE), |asked| asked.publish(ARMED), Asked::get);
}

#[test]
#[should_panic(expected = "asked for nothing")]
fn twin_what_is_asked_is_read_without_acquire() {
    message(|| AtomicU64::new(IDLE), |asked| asked.store(ARMED, Release), |asked| asked.load(Relaxed));
}

/// A record that its owner prepares and then attaches, against a requester.
fn prepare_and_attach(attach: fn(&HandshakeWord, &AtomicU32), request: fn(&HandshakeWord, &AtomicU32) -> bool) {
    check_all(move || {
        let record = Arc::new((HandshakeWord::new(), Plain::new(0), AtomicU32::new(3)));
        let requester = {
            let record = record.clone();
            thread::spawn(move || {
                if request(&record.0, &record.2) {
                    assert_eq!(record.1.get(), 1);
                }
            })
        };
        record.1.set(1);
        attach(&record.0, &record.2);
        requester.join().unwrap();
    });
}

#[test]
fn who_asks_an_attached_mutator_sees_its_record_prepared() {
    prepare_and_attach(|word, _| word.attach(), |word, _| word.request(Requests::CYCLE) == Target::Running);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_attach_without_release() {
    prepare_and_attach(|_, word| word.store(0, Relaxed), |_, word| word.load(Acquire) == 0);
}

/// A record that changes hands, back to the very same word, between a requester's load and its exchange.
fn second_owner(request: fn(&HandshakeWord, &AtomicU32)) {
    check_all(move || {
        let record = Arc::new((HandshakeWord::new(), AtomicU32::new(RUNNING), AtomicU32::new(1)));
        record.0.attach();
        let requester = {
            let record = record.clone();
            thread::spawn(move || {
                request(&record.0, &record.1);
                record.2.load(Relaxed)
            })
        };
        if record.0.try_detach().is_ok() && record.1.compare_exchange(RUNNING, DETACHED, Release, Relaxed).is_ok() {
            record.2.store(2, Relaxed);
            record.0.attach();
            record.1.store(RUNNING, Release);
            let owner = requester.join().unwrap();
            let met = record.0.poll().contains(Requests::CYCLE) || record.1.load(Relaxed) == 4;
            assert!(!met || owner == 2, "asked the second, saw the first");
        } else {
            requester.join().unwrap();
        }
    });
}

#[test]
fn who_asks_the_second_owner_of_a_record_sees_the_second() {
    second_owner(|word, _| {
        let _ = word.request(Requests::CYCLE);
    });
}

#[test]
#[should_panic(expected = "asked the second, saw the first")]
fn twin_request_without_acquire() {
    second_owner(|_, word| {
        let mut now = word.load(Acquire);
        while now != DETACHED {
            match word.compare_exchange(now, now | 4, Release, Acquire) {
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    });
}

/// The same accesses with a fence or the order of two steps taken away.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    AdoptWithoutFence,
    AskWithoutFence,
    AdoptBeforeAttach,
}

fn weak(fault: Fault) {
    check_all(move || {
        let heap = Arc::new((AtomicU32::new(DETACHED), AtomicU64::new(IDLE)));
        let collector = {
            let heap = heap.clone();
            thread::spawn(move || {
                heap.1.store(ARMED, Release);
                if fault != Fault::AskWithoutFence {
                    fence(SeqCst);
                }
                let mut word = heap.0.load(Acquire);
                while word != DETACHED {
                    match heap.0.compare_exchange(word, word | 4, AcqRel, Acquire) {
                        Ok(_) => return true,
                        Err(now) => word = now,
                    }
                }
                false
            })
        };
        let mut adopted = IDLE;
        if fault == Fault::AdoptBeforeAttach {
            adopted = heap.1.load(Acquire);
        }
        heap.0.store(0, Release);
        if fault != Fault::AdoptWithoutFence {
            fence(SeqCst);
        }
        if fault != Fault::AdoptBeforeAttach {
            adopted = heap.1.load(Acquire);
        }
        let met = collector.join().unwrap();
        assert!(met || adopted == ARMED, "a mutator that nobody asked");
    });
}

#[test]
#[should_panic(expected = "a mutator that nobody asked")]
fn twin_adopt_without_fence() {
    weak(Fault::AdoptWithoutFence);
}

#[test]
#[should_panic(expected = "a mutator that nobody asked")]
fn twin_publish_without_fence() {
    weak(Fault::AskWithoutFence);
}

#[test]
#[should_panic(expected = "a mutator that nobody asked")]
fn twin_adopt_before_attach() {
    weak(Fault::AdoptBeforeAttach);
}
