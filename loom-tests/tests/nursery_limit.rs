//! Interrupting a running mutator by its allocation limit: a Dekker pair of the limit and the handshake word.
#![cfg(loom)]

use loom_tests::check_all;
use loom_tests::mutator::handshake::{HandshakeWord, NurseryLimit, Requests, Target};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Relaxed, SeqCst},
    fence,
};
use loom_tests::sync::thread;

#[test]
fn an_interrupt_is_seen_as_a_request_or_as_a_limit_of_zero() {
    check_all(|| {
        let m = Arc::new((HandshakeWord::new(), NurseryLimit::new()));
        m.0.attach();
        let requester = {
            let m = m.clone();
            thread::spawn(move || {
                assert_eq!(m.0.request(Requests::CYCLE), Target::Running);
                m.1.interrupt();
            })
        };
        let asked = m.1.set(4096, &m.0);
        requester.join().unwrap();
        assert!(asked.contains(Requests::CYCLE) || m.1.get() == 0, "interrupt lost");
    });
}

#[test]
fn both_of_two_requesters_are_noticed() {
    check_all(|| {
        let m = Arc::new((HandshakeWord::new(), NurseryLimit::new()));
        m.0.attach();
        let requesters: Vec<_> = [Requests::CYCLE, Requests::PUBLISH]
            .into_iter()
            .map(|r| {
                let m = m.clone();
                thread::spawn(move || {
                    assert_eq!(m.0.request(r), Target::Running);
                    m.1.interrupt();
                })
            })
            .collect();
        let asked = m.1.set(4096, &m.0);
        requesters.into_iter().for_each(|r| r.join().unwrap());
        let all = Requests::CYCLE.union(Requests::PUBLISH);
        assert!(asked.contains(all) || m.1.get() == 0, "interrupt lost");
    });
}

/// `set` with its steps as given: what it saw in the word.
fn weak(set: fn(&AtomicUsize, &AtomicU32) -> u32) {
    check_all(move || {
        let m = Arc::new((AtomicU32::new(0), AtomicUsize::new(0)));
        let requester = {
            let m = m.clone();
            thread::spawn(move || {
                m.0.fetch_or(4, AcqRel);
                fence(SeqCst);
                m.1.store(0, Relaxed);
            })
        };
        let asked = set(&m.1, &m.0);
        requester.join().unwrap();
        assert!(asked != 0 || m.1.load(Relaxed) == 0, "interrupt lost");
    });
}

#[test]
#[should_panic(expected = "interrupt lost")]
fn twin_set_without_fence() {
    weak(|limit, word| {
        limit.store(4096, Relaxed);
        word.load(Relaxed)
    });
}

#[test]
#[should_panic(expected = "interrupt lost")]
fn twin_set_polls_before_it_stores() {
    weak(|limit, word| {
        let asked = word.load(Relaxed);
        fence(SeqCst);
        limit.store(4096, Relaxed);
        asked
    });
}

#[test]
#[should_panic(expected = "interrupt lost")]
fn twin_interrupt_before_the_request() {
    check_all(|| {
        let m = Arc::new((AtomicU32::new(0), AtomicUsize::new(0)));
        let requester = {
            let m = m.clone();
            thread::spawn(move || {
                m.1.store(0, Relaxed);
                fence(SeqCst);
                m.0.fetch_or(4, AcqRel);
            })
        };
        m.1.store(4096, Relaxed);
        fence(SeqCst);
        let asked = m.0.load(Relaxed);
        requester.join().unwrap();
        assert!(asked != 0 || m.1.load(Relaxed) == 0, "interrupt lost");
    });
}
