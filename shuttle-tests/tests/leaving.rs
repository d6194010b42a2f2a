//! Threads that leave while a cycle finds their private pairs dead: a pair that the cycle has ended is not touched again.
#![cfg(shuttle)]

use handfast::raw::{LinkFlags, Mutator, PyObject, TypeInfo};
use shuttle_tests::explore;
use shuttle_tests::world::{self, root, word};
use std::ptr::null_mut;

/// Many: what is looked for happens while their thread goes through them.
const PAIRS: u64 = 16;

/// A number, and a handle slot.
static SLOTTED: TypeInfo = TypeInfo::new("Slotted", 16).with_handle_slot(8);

/// Old private pairs, of which C holds one still when their thread leaves: that one is answered.
unsafe fn leave_pairs(m: Mutator) -> Vec<usize> {
    let mut held = vec![];
    // SAFETY: the rule of `world`.
    unsafe {
        let scope = m.scope_open();
        let object = root(m);
        let mut obs = vec![];
        for i in 0..PAIRS {
            *object = m.alloc(&SLOTTED);
            word(*object, 0).write(i);
            obs.push(m.handle(*object, 24, null_mut(), LinkFlags::NONE));
            let kept = root(m);
            *kept = *object;
        }
        m.collect_minor();
        assert!(!m.is_public(*object) && !m.is_young(*object));
        m.scope_close(scope);
        for (i, ob) in obs.into_iter().enumerate() {
            if i as u64 != PAIRS / 2 { PyObject::decref(ob) } else { held.push(ob as usize) }
        }
        m.safepoint();
    }
    held
}

/// Takes what is dead out of the queue and frees it, as a notifier does.
fn drain(heap: &handfast::raw::Heap) -> usize {
    let mut dead = 0;
    loop {
        let ob = heap.next_dead();
        if ob.is_null() {
            return dead;
        }
        dead += 1;
        // SAFETY: the queue's own reference is ours now.
        unsafe { PyObject::decref(ob) };
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let leaving: Vec<_> = (0..1)
        .map(|_| {
            let heap = heap.clone();
            shuttle_tests::thread::spawn(move || {
                let m = heap.attach().unwrap();
                // SAFETY: the rule of `world`.
                unsafe {
                    let held = leave_pairs(m);
                    m.detach();
                    held
                }
            })
        })
        .collect();
    let m = heap.attach().unwrap();
    let mut dead = 0;
    // SAFETY: the rule of `world`.
    unsafe {
        for _ in 0..2 {
            m.collect_full();
            dead += drain(&heap);
        }
        m.native_enter();
        let held: Vec<usize> = leaving.into_iter().flat_map(|one| one.join().unwrap()).collect();
        m.native_leave();
        m.collect_full();
        dead += drain(&heap);
        assert_eq!(dead as u64, PAIRS - 1, "those that C had let go of");
        for &ob in &held {
            let ob = ob as *mut PyObject;
            let object = m.to_obj(ob);
            assert!(m.is_public(object), "who leaves publishes what C holds");
            assert_eq!(word(object, 0).read(), PAIRS / 2);
            PyObject::decref(ob);
        }
        m.collect_full();
        assert_eq!(drain(&heap), held.len());
        m.detach();
    }
    world::finish(&heap);
}

#[test]
fn a_pair_that_has_ended_is_left_alone_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn a_pair_that_has_ended_is_left_alone_on_demand() {
    explore(|| scenario(0));
}
