//! The explorer itself: it finds a race, by each policy; a token repeats its execution; every policy is drawn.
#![cfg(shuttle)]

use shuttle::sync::atomic::{AtomicU32, Ordering::SeqCst};
use shuttle_tests::explorer::{Policy, Token, run};
use shuttle_tests::thread;
use shuttle_tests::world;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::Mutex;

/// Two threads that each add one, by a load and a store.
fn lost_update() {
    let number = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let number = number.clone();
            thread::spawn(move || number.store(number.load(SeqCst) + 1, SeqCst))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(number.load(SeqCst), 2);
}

#[test]
fn each_policy_finds_a_lost_update() {
    for policy in [Policy::Pct(10), Policy::Random, Policy::Sticky] {
        let found = (0..200).find(|&seed| {
            let token = Token { policy, seed };
            catch_unwind(AssertUnwindSafe(|| run(1, 0, Some(token), lost_update))).is_err()
        });
        let token = Token { policy, seed: found.unwrap_or_else(|| panic!("{policy:?} finds nothing")) };
        let again: Token = token.to_string().parse().unwrap();
        assert_eq!(again, token);
        let again = catch_unwind(AssertUnwindSafe(|| run(1, 0, Some(again), lost_update)));
        assert!(again.is_err(), "the token of a failure fails again");
    }
}

/// A heap, two mutators, a cycle.
fn whole_cycle() {
    let heap = world::heap(1);
    let work = |_| -> Box<dyn FnOnce(handfast::raw::Mutator) + Send> {
        // SAFETY: the rule of `world`.
        Box::new(|m| unsafe {
            let object = world::root(m);
            *object = world::node(m, 1, 2);
            m.collect_full();
            assert_eq!(world::numbers(*object), (1, 2));
        })
    };
    world::threads(&heap, (0..2).map(work).collect());
    world::finish(&heap);
}

#[test]
fn a_token_repeats_a_whole_cycle_decision_by_decision() {
    let trace = |token| run(1, 0, Some(token), whole_cycle).trace.load(SeqCst);
    let mut different = std::collections::BTreeSet::new();
    for policy in [Policy::Pct(3000), Policy::Random, Policy::Sticky] {
        for seed in 0..4 {
            let token = Token { policy, seed };
            let first = trace(token);
            assert_eq!(trace(token), first, "{token}");
            different.insert(first);
        }
    }
    assert!(different.len() > 9, "the tokens name executions that differ");
}

#[test]
fn wrong_tokens_are_refused() {
    for text in ["", "pct", "pct:1", "random:x", "random:1:2", "sticky", "dfs:1"] {
        assert!(text.parse::<Token>().is_err(), "{text}");
    }
}

#[test]
fn who_waits_gives_way_under_every_policy() {
    for policy in [Policy::Pct(10), Policy::Random, Policy::Sticky] {
        for seed in 0..50 {
            let flag = Arc::new(AtomicU32::new(0));
            let most = Arc::new(Mutex::new(0));
            let counted = most.clone();
            run(1, 0, Some(Token { policy, seed }), move || {
                flag.store(0, SeqCst);
                let other = flag.clone();
                let setter = thread::spawn(move || other.store(1, SeqCst));
                let mut tries = 0;
                while flag.load(SeqCst) == 0 {
                    tries += 1;
                    thread::yield_now();
                }
                setter.join().unwrap();
                let mut most = counted.lock().unwrap();
                *most = tries.max(*most);
            });
            assert!(*most.lock().unwrap() < 100, "{policy:?} starves who is waited for");
        }
    }
}
