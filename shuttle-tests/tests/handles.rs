//! Pairs whose `PyObject` goes from thread to thread: both halves live or none, and the dead queue delivers each once.
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, LinkFlags, Mutator, PyObject};
use shuttle::sync::Mutex;
use shuttle_tests::explore;
use shuttle_tests::world::{self, Share, node, numbers, root};
use std::collections::BTreeSet;
use std::ptr::null_mut;
use std::sync::Arc;

const PAIRS: u64 = 3;

/// References on their way, with the numbers of the objects that they stand for.
type Mail = Arc<Mutex<Vec<(Share<PyObject>, (u64, u64))>>>;

/// Makes pairs and gives the counted references away; keeps every second object in the table as well.
unsafe fn make(m: Mutator, table: Share<GlobalCell>, mail: &Mail, me: u64) {
    // SAFETY: the rule of `world`.
    unsafe {
        let object = root(m);
        for i in 0..PAIRS {
            *object = node(m, me, i);
            let ob = m.handle(*object, 24, null_mut(), LinkFlags(0));
            if i % 2 == 1 {
                m.store(m.global_get(table.get()), 8 * me as usize, *object);
            }
            *object = null_mut();
            mail.lock().unwrap().push((Share(ob), (me, i)));
            m.safepoint();
        }
    }
}

/// Takes references, looks at their objects across collections, and lets go.
unsafe fn take(m: Mutator, mail: &Mail, count: u64) {
    // SAFETY: the rule of `world`.
    unsafe {
        let object = root(m);
        let mut taken = 0;
        while taken < count {
            let letter = mail.lock().unwrap().pop();
            let Some((ob, expected)) = letter else {
                m.safepoint();
                shuttle_tests::thread::yield_now();
                continue;
            };
            taken += 1;
            *object = m.to_obj(ob.0);
            assert_eq!(numbers(*object), expected, "C held it");
            m.safepoint();
            assert_eq!(m.from_obj(*object), ob.0, "linked once, linked until the end");
            if taken.is_multiple_of(2) {
                // Held by C alone from here on.
                *object = null_mut();
                m.collect_minor();
                assert_eq!(numbers(m.to_obj(ob.0)), expected);
                PyObject::decref(ob.0);
            } else {
                // Held by the root alone from here on.
                *object = m.to_obj(ob.0);
                PyObject::decref(ob.0);
                m.safepoint();
                assert_eq!(numbers(*object), expected);
                m.safepoint();
                assert_eq!((numbers(*object), m.to_obj(m.from_obj(*object))), (expected, *object));
            }
        }
        *object = null_mut();
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let table = world::table(&heap, 2);
    let mail: Mail = Arc::default();
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for me in 0..2 {
        let mail = mail.clone();
        // SAFETY: the rule of `world`.
        work.push(Box::new(move |m| unsafe { make(m, table, &mail, me) }));
    }
    let letters = mail.clone();
    // SAFETY: the rule of `world`.
    work.push(Box::new(move |m| unsafe {
        m.collect_full();
        take(m, &letters, 2 * PAIRS);
    }));
    world::threads(&heap, work);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.collect_full();
        let dead = drain(&heap);
        // One pair of each maker is in the table still, the last odd one.
        let mut alive = BTreeSet::new();
        for me in 0..2 {
            let object = m.load(m.global_get(table.get()), 8 * me);
            assert_eq!(numbers(object), (me as u64, 1));
            let ob = m.from_obj(object);
            assert_eq!(PyObject::refcnt(ob), 0, "C let go of all");
            alive.insert(ob as usize);
            m.store(m.global_get(table.get()), 8 * me, null_mut());
        }
        assert_eq!((dead.len(), alive.len()), (2 * PAIRS as usize - 2, 2));
        m.collect_full();
        assert_eq!(drain(&heap), alive, "the last pairs die when the table lets go");
        m.detach();
    }
    world::finish(&heap);
}

/// Empties the dead queue, and answers what was in it.
fn drain(heap: &handfast::raw::Heap) -> BTreeSet<usize> {
    let (mut dead, mut obs) = (BTreeSet::new(), vec![]);
    loop {
        let ob = heap.next_dead();
        if ob.is_null() {
            break;
        }
        // SAFETY: the queue's own reference is ours now.
        assert_eq!(unsafe { PyObject::refcnt(ob) }, 1);
        assert!(dead.insert(ob as usize), "delivered twice");
        obs.push(ob);
    }
    for ob in obs {
        // SAFETY: as above.
        unsafe { PyObject::decref(ob) };
    }
    dead
}

#[test]
fn a_pair_lives_by_both_or_dies_once_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn a_pair_lives_by_both_or_dies_once_on_demand() {
    explore(|| scenario(0));
}
