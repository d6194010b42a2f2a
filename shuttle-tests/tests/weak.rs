//! Weak references that are read while their objects are let go of and cycles judge them.
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, Mutator, WeakCell};
use shuttle_tests::explore;
use shuttle_tests::world::{self, Share, node, numbers, root};
use std::ptr::null_mut;

const OBJECTS: usize = 2;

/// Reads the weak references: an object that comes back is whole, and what was null once is null for ever. Hangs the last
/// one that it found into the table again if told to, and answers which.
unsafe fn read(m: Mutator, table: Share<GlobalCell>, weaks: &[Share<WeakCell>], revive: bool) {
    // SAFETY: the rule of `world`.
    unsafe {
        let found = root(m);
        let mut gone = [false; OBJECTS];
        for round in 0..3 {
            for (i, weak) in weaks.iter().enumerate() {
                *found = m.weak_get(weak.get());
                if (*found).is_null() {
                    gone[i] = true;
                    continue;
                }
                assert!(!gone[i], "an object came back from the dead");
                assert_eq!(numbers(*found), (i as u64, 1));
                m.safepoint();
                assert_eq!(numbers(m.load(*found, 0)), (i as u64, 2), "what it refers to lives with it");
                if revive && round == 1 {
                    m.store(m.global_get(table.get()), 8 * (OBJECTS + i), *found);
                }
            }
            *found = null_mut();
            m.safepoint();
        }
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let table = world::table(&heap, 2 * OBJECTS);
    let m = heap.attach().unwrap();
    let mut weaks = vec![];
    // SAFETY: the rule of `world`.
    unsafe {
        for i in 0..OBJECTS {
            let object = root(m);
            *object = node(m, i as u64, 1);
            let behind = node(m, i as u64, 2);
            m.store(*object, 0, behind);
            m.store(m.global_get(table.get()), 8 * i, *object);
            weaks.push(Share(m.weak_new(*object)));
        }
        m.detach();
    }
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for revive in [false, true] {
        let weaks = weaks.clone();
        // SAFETY: the rule of `world`.
        work.push(Box::new(move |m| unsafe { read(m, table, &weaks, revive) }));
    }
    // SAFETY: the rule of `world`.
    work.push(Box::new(move |m| unsafe {
        for i in 0..OBJECTS {
            m.store(m.global_get(table.get()), 8 * i, null_mut());
        }
        m.collect_full();
        m.collect_full();
    }));
    world::threads(&heap, work);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.collect_full();
        for (i, weak) in weaks.iter().enumerate() {
            let kept = m.load(m.global_get(table.get()), 8 * (OBJECTS + i));
            assert_eq!(m.weak_get(weak.get()), kept, "alive if somebody keeps it, and only then");
            m.store(m.global_get(table.get()), 8 * (OBJECTS + i), null_mut());
        }
        m.collect_full();
        for weak in &weaks {
            assert!(m.weak_get(weak.get()).is_null(), "nobody keeps it");
            m.weak_free(weak.get());
        }
        m.detach();
    }
    world::finish(&heap);
}

#[test]
fn a_weak_load_answers_a_whole_object_or_null_for_ever_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn a_weak_load_answers_a_whole_object_or_null_for_ever_on_demand() {
    explore(|| scenario(0));
}
