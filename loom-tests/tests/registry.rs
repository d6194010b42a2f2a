//! The registry: records that are claimed, released and walked, never freed.
#![cfg(loom)]

use loom_tests::mutator::registry::Registry;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicUsize, Ordering,
    Ordering::{Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all};

struct Record {
    own: Plain<u32>,
    name: Plain<u32>,
}

fn record() -> Record {
    let record = Record { own: Plain::new(0), name: Plain::new(0) };
    record.name.set(7);
    record
}

fn claim_use_release(registry: &Registry<Record>) {
    let mine = registry.claim(record);
    mine.own.touch();
    registry.release(mine);
}

#[test]
fn a_record_has_one_owner_at_a_time() {
    check_all(|| {
        let registry = Arc::new(Registry::new());
        claim_use_release(&registry);
        let other = {
            let registry = registry.clone();
            thread::spawn(move || claim_use_release(&registry))
        };
        claim_use_release(&registry);
        other.join().unwrap();
        let uses: u32 = registry.iter().map(|r| r.own.get()).sum();
        assert_eq!(uses, 3);
        assert!(registry.len() <= 2 && registry.iter().count() == registry.len());
    });
}

/// The claim and release of one node, with the orderings as given.
fn weak_reuse(claims: Ordering, releases: Ordering, exchange: bool) {
    check_all(move || {
        let node = Arc::new((AtomicBool::new(false), Plain::new(0)));
        let turn = move |node: &(AtomicBool, Plain<u32>)| {
            let got = if exchange {
                node.0.compare_exchange(false, true, claims, Relaxed).is_ok()
            } else {
                let free = !node.0.load(claims);
                node.0.store(true, Relaxed);
                free
            };
            if got {
                node.1.touch();
                node.0.store(false, releases);
            }
        };
        let other = {
            let node = node.clone();
            thread::spawn(move || turn(&node))
        };
        turn(&node);
        other.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_release_without_release() {
    weak_reuse(Acquire, Relaxed, true);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_claim_without_acquire() {
    weak_reuse(Relaxed, Release, true);
}

#[test]
#[should_panic(expected = "Concurrent")]
fn twin_claim_by_a_look_and_a_store() {
    weak_reuse(Acquire, Release, false);
}

#[test]
fn a_walk_meets_whole_records_and_all_older_ones() {
    check_all(|| {
        let registry = Arc::new(Registry::new());
        registry.claim(record);
        let pushers: Vec<_> = (0..2)
            .map(|_| {
                let registry = registry.clone();
                thread::spawn(move || {
                    registry.claim(record);
                })
            })
            .collect();
        let names: Vec<u32> = registry.iter().map(|r| r.name.get()).collect();
        assert!((1..=3).contains(&names.len()) && names.iter().all(|&n| n == 7));
        pushers.into_iter().for_each(|p| p.join().unwrap());
        assert_eq!(registry.iter().count(), 3);
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_push_without_release() {
    check_all(|| {
        let list = Arc::new((AtomicUsize::new(0), record()));
        let pusher = {
            let list = list.clone();
            thread::spawn(move || {
                list.1.name.set(8);
                let _ = list.0.compare_exchange(0, 1, Relaxed, Relaxed);
            })
        };
        if list.0.load(Acquire) == 1 {
            list.1.name.get();
        }
        pusher.join().unwrap();
    });
}
