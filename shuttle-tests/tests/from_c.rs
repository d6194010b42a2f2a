//! Old objects that only C holds are taken back while cycles run, and C lets go: from then on a root alone keeps them.
#![cfg(shuttle)]

use handfast::raw::{LinkFlags, Mutator, PyObject};
use shuttle_tests::explore;
use shuttle_tests::world::{self, Share, node, numbers, root};
use std::ptr::null_mut;

const PAIRS: u64 = 3;

unsafe fn take_back(m: Mutator, obs: &[Share<PyObject>], me: u64) {
    // SAFETY: the rule of `world`.
    unsafe {
        let object = root(m);
        for (i, ob) in obs.iter().enumerate() {
            *object = m.to_obj(ob.get());
            PyObject::decref(ob.get());
            for _ in 0..3 {
                m.safepoint();
                assert_eq!(numbers(*object), (me, i as u64));
                assert_eq!(numbers(m.load(*object, 0)), (me, i as u64 + 100), "with what it refers to");
                assert_eq!(m.from_obj(*object), ob.get(), "linked until both die");
            }
        }
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let m = heap.attach().unwrap();
    let mut obs = vec![vec![], vec![]];
    // SAFETY: the rule of `world`.
    unsafe {
        for me in 0..2 {
            for i in 0..PAIRS {
                let scope = m.scope_open();
                let object = root(m);
                *object = node(m, me, i);
                m.store(*object, 0, node(m, me, i + 100));
                let flags = if i == 0 { LinkFlags::LIGHT } else { LinkFlags::NONE };
                obs[me as usize].push(Share(m.handle(*object, 24, null_mut(), flags)));
                m.publish(*object);
                m.scope_close(scope);
            }
        }
        m.collect_minor();
        m.detach();
    }
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for (me, obs) in obs.into_iter().enumerate() {
        // SAFETY: the rule of `world`.
        work.push(Box::new(move |m| unsafe { take_back(m, &obs, me as u64) }));
    }
    // SAFETY: the rule of `world`.
    work.push(Box::new(move |m| unsafe {
        m.collect_full();
        m.collect_full();
    }));
    world::threads(&heap, work);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.collect_full();
        let mut dead = 0;
        loop {
            let ob = heap.next_dead();
            if ob.is_null() {
                break;
            }
            dead += 1;
            PyObject::decref(ob);
        }
        assert_eq!(dead, 2 * (PAIRS - 1), "all but the light ones");
        m.detach();
    }
    world::finish(&heap);
}

#[test]
fn an_object_that_leaves_c_in_a_cycle_lives_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn an_object_that_leaves_c_in_a_cycle_lives_on_demand() {
    explore(|| scenario(0));
}
