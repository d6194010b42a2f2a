//! The handshake word: requests, answers, holding, leaving. One owner, one or two requesters.
#![cfg(loom)]

use loom_tests::mutator::handshake::{HandshakeWord, Leave, Requests, Target};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
    fence,
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all};

const CYCLE: Requests = Requests::CYCLE;
const PUBLISH: Requests = Requests::PUBLISH;

/// A running mutator's word with something that two sides share beside it.
struct Mutator<T> {
    word: HandshakeWord,
    own: T,
}

fn running<T>(own: T) -> Arc<Mutator<T>> {
    let m = Arc::new(Mutator { word: HandshakeWord::new(), own });
    m.word.attach();
    m
}

fn native<T>(own: T) -> Arc<Mutator<T>> {
    let m = running(own);
    m.word.try_enter_native().unwrap();
    m
}

/// One word with the same states, for weakened transitions.
mod weak {
    pub const RUNNING: u32 = 0;
    pub const NATIVE: u32 = 1;
    pub const HELD: u32 = 2;
    pub const DETACHED: u32 = 3;
    pub const CYCLE: u32 = 4;
}

#[test]
fn a_request_brings_what_its_requester_wrote() {
    check_all(|| {
        let m = running(AtomicU32::new(0));
        let requester = {
            let m = m.clone();
            thread::spawn(move || {
                m.own.store(1, Relaxed);
                assert_eq!(m.word.request(CYCLE), Target::Running);
            })
        };
        if m.word.poll().contains(CYCLE) {
            assert_eq!(m.own.load(Relaxed), 1, "asked without the phase");
        }
        requester.join().unwrap();
    });
}

#[test]
fn who_may_not_leave_sees_why() {
    check_all(|| {
        let m = running(AtomicU32::new(0));
        let requester = {
            let m = m.clone();
            thread::spawn(move || {
                m.own.store(1, Relaxed);
                let _ = m.word.request(PUBLISH);
            })
        };
        if m.word.try_enter_native() == Err(PUBLISH) {
            assert_eq!(m.own.load(Relaxed), 1, "asked without the phase");
        }
        requester.join().unwrap();
    });
}

/// `poll` without its acquire fence, or `request` without release.
fn weak_ask(asks: loom_tests::sync::atomic::Ordering, fenced: bool) {
    check_all(move || {
        let m = Arc::new((AtomicU32::new(weak::RUNNING), AtomicU32::new(0)));
        let requester = {
            let m = m.clone();
            thread::spawn(move || {
                m.1.store(1, Relaxed);
                m.0.fetch_or(weak::CYCLE, asks);
            })
        };
        if m.0.load(Relaxed) != 0 {
            if fenced {
                fence(Acquire);
            }
            assert_eq!(m.1.load(Relaxed), 1, "asked without the phase");
        }
        requester.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "asked without the phase")]
fn twin_poll_without_fence() {
    weak_ask(AcqRel, false);
}

#[test]
#[should_panic(expected = "asked without the phase")]
fn twin_request_without_release() {
    weak_ask(Relaxed, true);
}

#[test]
fn an_answer_brings_what_the_owner_did() {
    check_all(|| {
        let m = running(AtomicU32::new(0));
        let _ = m.word.request(CYCLE);
        let owner = {
            let m = m.clone();
            thread::spawn(move || {
                m.own.store(1, Relaxed);
                m.word.serve(m.word.poll());
            })
        };
        if !m.word.is_requested(CYCLE) {
            assert_eq!(m.own.load(Relaxed), 1, "answered without the work");
        }
        owner.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "answered without the work")]
fn twin_serve_without_release() {
    check_all(|| {
        let m = Arc::new((AtomicU32::new(weak::CYCLE), AtomicU32::new(0)));
        let owner = {
            let m = m.clone();
            thread::spawn(move || {
                m.1.store(1, Relaxed);
                m.0.fetch_and(!weak::CYCLE, Acquire);
            })
        };
        if m.0.load(Acquire) == 0 {
            assert_eq!(m.1.load(Relaxed), 1, "answered without the work");
        }
        owner.join().unwrap();
    });
}

/// Leaves native code as a mutator does: waits while it is held.
fn leave(word: &HandshakeWord) -> Requests {
    loop {
        match word.try_leave_native() {
            Leave::Running(requests) => return requests,
            Leave::Held => thread::yield_now(),
        }
    }
}

#[test]
fn owner_and_holder_never_act_at_once() {
    check_all(|| {
        let m = running(Plain::new(0));
        let requester = {
            let m = m.clone();
            thread::spawn(move || {
                if m.word.try_hold() {
                    m.own.touch();
                    assert!(m.word.release(Requests::NONE).is_empty());
                }
            })
        };
        m.own.touch();
        m.word.try_enter_native().unwrap();
        assert!(leave(&m.word).is_empty());
        m.own.touch();
        requester.join().unwrap();
    });
}

/// What is left out of the protocol above.
#[derive(Clone, Copy, PartialEq)]
enum Hold {
    EnterRelaxed,
    ReleaseRelaxed,
    LeaveIgnoresHeld,
}

fn weak_hold(fault: Hold) {
    check_all(move || {
        let m = Arc::new((AtomicU32::new(weak::RUNNING), Plain::new(0)));
        let requester = {
            let m = m.clone();
            thread::spawn(move || {
                if m.0.compare_exchange(weak::NATIVE, weak::HELD, Acquire, Relaxed).is_ok() {
                    m.1.touch();
                    let order = if fault == Hold::ReleaseRelaxed { Relaxed } else { Release };
                    m.0.store(weak::NATIVE, order);
                }
            })
        };
        m.1.touch();
        m.0.store(weak::NATIVE, if fault == Hold::EnterRelaxed { Relaxed } else { Release });
        if fault == Hold::LeaveIgnoresHeld {
            m.0.swap(weak::RUNNING, Acquire);
        } else {
            while m.0.compare_exchange(weak::NATIVE, weak::RUNNING, Acquire, Relaxed).is_err() {
                thread::yield_now();
            }
        }
        m.1.touch();
        requester.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_enter_native_without_release() {
    weak_hold(Hold::EnterRelaxed);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_holder_gives_back_without_release() {
    weak_hold(Hold::ReleaseRelaxed);
}

#[test]
#[should_panic(expected = "Concurrent")]
fn twin_owner_leaves_native_code_while_held() {
    weak_hold(Hold::LeaveIgnoresHeld);
}

#[test]
fn a_request_to_a_native_mutator_is_served_exactly_once() {
    check_all(|| {
        let m = native(Plain::new(0));
        let requester = {
            let m = m.clone();
            thread::spawn(move || match m.word.request(CYCLE) {
                Target::Native if m.word.try_hold() => {
                    m.own.touch();
                    let _ = m.word.release(CYCLE);
                }
                Target::Native | Target::Running => {} // the owner has it
                other => panic!("{other:?}"),
            })
        };
        if leave(&m.word).contains(CYCLE) {
            m.own.touch();
            m.word.serve(CYCLE);
        }
        requester.join().unwrap();
        if m.word.poll().contains(CYCLE) {
            m.own.touch();
        }
        assert_eq!(m.own.touch(), 2, "served twice or never");
    });
}

#[test]
#[should_panic(expected = "served twice or never")]
fn twin_owner_leaves_native_code_and_drops_the_request() {
    check_all(|| {
        let m = Arc::new((AtomicU32::new(weak::NATIVE), Plain::new(0)));
        let requester = {
            let m = m.clone();
            thread::spawn(move || {
                m.0.fetch_or(weak::CYCLE, AcqRel);
                let asked = weak::NATIVE | weak::CYCLE;
                if m.0.compare_exchange(asked, weak::HELD, Acquire, Relaxed).is_ok() {
                    m.1.touch();
                    m.0.store(weak::NATIVE, Release);
                }
            })
        };
        let mut word = m.0.load(Relaxed);
        loop {
            if word == weak::HELD {
                thread::yield_now();
                word = m.0.load(Relaxed);
                continue;
            }
            match m.0.compare_exchange(word, weak::RUNNING, Acquire, Relaxed) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        requester.join().unwrap();
        if m.0.load(Relaxed) & weak::CYCLE != 0 {
            m.1.touch();
        }
        assert_eq!(m.1.touch(), 2, "served twice or never");
    });
}

/// Two requesters put an entry each in the queue of a running mutator, which serves them at a safepoint and at another.
fn publish_queue(serve: fn(&Mutator<Queue>)) {
    check_all(move || {
        let m = running(Queue { entries: [AtomicBool::new(false), AtomicBool::new(false)] });
        let requesters: Vec<_> = (0..2)
            .map(|i| {
                let m = m.clone();
                thread::spawn(move || {
                    m.own.entries[i].store(true, Relaxed);
                    assert_eq!(m.word.request(PUBLISH), Target::Running);
                })
            })
            .collect();
        if m.word.poll().contains(PUBLISH) {
            serve(&m);
        }
        requesters.into_iter().for_each(|r| r.join().unwrap());
        if m.word.poll().contains(PUBLISH) {
            serve(&m);
        }
        assert!(!m.own.entries.iter().any(|e| e.load(Relaxed)), "an entry that nobody will look at");
    });
}

struct Queue {
    entries: [AtomicBool; 2],
}

impl Queue {
    fn drain(&self) {
        for entry in &self.entries {
            if entry.load(Relaxed) {
                entry.store(false, Relaxed);
            }
        }
    }
}

#[test]
fn a_request_of_many_is_not_lost_when_cleared_before_its_queue_is_read() {
    publish_queue(|m| {
        m.word.serve(PUBLISH);
        m.own.drain();
    });
}

#[test]
#[should_panic(expected = "an entry that nobody will look at")]
fn twin_queue_is_read_before_the_request_is_cleared() {
    publish_queue(|m| {
        m.own.drain();
        m.word.serve(PUBLISH);
    });
}

#[test]
fn who_leaves_has_answered() {
    check_all(|| {
        let m = running(Plain::new(0));
        let owner = {
            let m = m.clone();
            thread::spawn(move || {
                m.own.touch();
                while let Err(requests) = m.word.try_detach() {
                    m.own.touch();
                    m.word.serve(requests);
                }
            })
        };
        let asked = m.word.request(CYCLE);
        if asked == Target::Detached {
            assert_eq!(m.own.touch(), 2);
        }
        owner.join().unwrap();
        assert_eq!(m.word.target(), Target::Detached);
        assert_eq!(m.own.touch(), 3, "left without an answer");
    });
}

#[test]
fn who_sees_that_one_has_left_sees_all_that_it_did() {
    check_all(|| {
        let m = running(Plain::new(0));
        let owner = {
            let m = m.clone();
            thread::spawn(move || {
                m.own.touch();
                m.word.try_detach().unwrap();
            })
        };
        if m.word.target() == Target::Detached {
            assert_eq!(m.own.touch(), 2);
        }
        owner.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_leaves_without_release() {
    check_all(|| {
        let m = Arc::new((AtomicU32::new(weak::RUNNING), Plain::new(0)));
        let owner = {
            let m = m.clone();
            thread::spawn(move || {
                m.1.touch();
                m.0.store(weak::DETACHED, Relaxed);
            })
        };
        if m.0.load(Acquire) == weak::DETACHED {
            assert_eq!(m.1.touch(), 2);
        }
        owner.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "left without an answer")]
fn twin_detach_does_not_look_at_the_requests() {
    check_all(|| {
        let m = Arc::new((AtomicU32::new(weak::RUNNING), Plain::new(0)));
        let owner = {
            let m = m.clone();
            thread::spawn(move || {
                m.1.touch();
                if m.0.load(Acquire) != 0 {
                    m.1.touch();
                }
                m.0.store(weak::DETACHED, Release);
            })
        };
        let asked = m.0.fetch_or(weak::CYCLE, AcqRel);
        if asked == weak::DETACHED {
            assert_eq!(m.1.touch(), 2);
        }
        owner.join().unwrap();
        assert_eq!(m.1.touch(), 3, "left without an answer");
    });
}
