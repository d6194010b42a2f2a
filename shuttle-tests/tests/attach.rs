//! Threads that come and go in the middle of cycles, in order or by just ending.
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, Heap, LinkFlags, PyObject};
use shuttle_tests::explore;
use shuttle_tests::thread;
use shuttle_tests::world::{self, Share, node, numbers, root};
use std::ptr::null_mut;

/// Attaches, leaves an object in the table and a pair to C, and goes.
unsafe fn visit(heap: &Heap, table: Share<GlobalCell>, slot: usize, stays: bool) -> Share<PyObject> {
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        let before = m.load(m.global_get(table.get()), 8 * slot);
        if !before.is_null() {
            assert_eq!(numbers(before), (slot as u64, 3));
        }
        let object = root(m);
        *object = node(m, slot as u64, 3);
        m.store(m.global_get(table.get()), 8 * slot, *object);
        *object = node(m, slot as u64, 4);
        let ob = m.handle(*object, 24, null_mut(), LinkFlags::LIGHT);
        if !stays {
            m.detach();
        }
        Share(ob)
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let table = world::table(&heap, 2);
    let visitors: Vec<_> = (0..2)
        .map(|slot| {
            let heap = heap.clone();
            // The last attachment ends with its thread.
            // SAFETY: the rule of `world`.
            thread::spawn(move || [false, true].map(|stays| unsafe { visit(&heap, table, slot, stays) }))
        })
        .collect();
    let collecting = {
        let heap = heap.clone();
        thread::spawn(move || {
            let m = heap.attach().unwrap();
            // SAFETY: the rule of `world`.
            unsafe {
                m.collect_full();
                m.detach();
            }
        })
    };
    let obs: Vec<_> = visitors.into_iter().map(|visitor| visitor.join().unwrap()).collect();
    collecting.join().unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.collect_full();
        for (slot, obs) in obs.into_iter().enumerate() {
            assert_eq!(numbers(m.load(m.global_get(table.get()), 8 * slot)), (slot as u64, 3));
            for Share(ob) in obs {
                let object = m.to_obj(ob);
                assert!(m.is_public(object), "who leaves publishes what C holds");
                assert_eq!(numbers(object), (slot as u64, 4));
                PyObject::decref(ob);
            }
        }
        assert_eq!(heap.stats().attached_mutators, 1);
        m.detach();
    }
    world::finish(&heap);
}

#[test]
fn what_a_thread_leaves_behind_lives_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn what_a_thread_leaves_behind_lives_on_demand() {
    explore(|| scenario(0));
}
