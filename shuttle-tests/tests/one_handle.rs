//! Two threads that make the handle of one public object get the same, with a slot and without; a third that is attached to
//! nothing gives references up.
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, LinkFlags, Mutator, PyObject, TypeInfo};
use shuttle::sync::Mutex;
use shuttle_tests::explore;
use shuttle_tests::thread;
use shuttle_tests::world::{self, Share, node, numbers, word};
use std::ptr::null_mut;
use std::sync::Arc;

/// A node with a handle slot behind its other words.
static SLOTTED: TypeInfo = TypeInfo::new("Slotted", 24).with_handle_slot(16);

type Bin = Arc<Mutex<Vec<Share<PyObject>>>>;

unsafe fn handles(m: Mutator, table: Share<GlobalCell>, bin: &Bin) -> [usize; 2] {
    // SAFETY: the rule of `world`.
    unsafe {
        let mut obs = [0; 2];
        for (i, address) in obs.iter_mut().enumerate() {
            let object = m.load(m.global_get(table.get()), 8 * i);
            let ob = m.handle(object, 24, null_mut(), LinkFlags::LIGHT);
            assert!(!ob.is_null());
            *address = ob as usize;
            m.safepoint();
            assert_eq!(m.to_obj(ob), m.load(m.global_get(table.get()), 8 * i));
            bin.lock().unwrap().push(Share(ob));
        }
        obs
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let table = world::table(&heap, 2);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.store(m.global_get(table.get()), 0, node(m, 5, 6));
        let slotted = m.alloc(&SLOTTED);
        word(slotted, 0).write(7);
        m.store(m.global_get(table.get()), 8, slotted);
        m.detach();
    }
    let bin = Bin::default();
    let linkers: Vec<_> = (0..2)
        .map(|_| {
            let (heap, bin) = (heap.clone(), bin.clone());
            thread::spawn(move || {
                let m = heap.attach().unwrap();
                // SAFETY: the rule of `world`.
                unsafe {
                    let obs = handles(m, table, &bin);
                    m.collect_full();
                    m.detach();
                    obs
                }
            })
        })
        .collect();
    // Attached to nothing: what it drops, some mutator drops for it.
    for _ in 0..4 {
        let ob = loop {
            let there = bin.lock().unwrap().pop();
            match there {
                Some(Share(ob)) => break ob,
                None => thread::yield_now(),
            }
        };
        // SAFETY: a counted reference that was put into the bin.
        unsafe { heap.decref_detached(ob) };
    }
    let obs: Vec<_> = linkers.into_iter().map(|one| one.join().unwrap()).collect();
    assert_eq!(obs[0], obs[1], "one handle for an object");
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.safepoint();
        for (i, &ob) in obs[0].iter().enumerate() {
            let object = m.load(m.global_get(table.get()), 8 * i);
            assert_eq!(m.from_obj(object) as usize, ob);
            assert_eq!(PyObject::refcnt(ob as *const PyObject), 0, "every reference was given up");
        }
        assert_eq!(numbers(m.load(m.global_get(table.get()), 0)), (5, 6));
        assert_eq!(word(m.load(m.global_get(table.get()), 8), 0).read(), 7);
        m.detach();
    }
    world::finish(&heap);
}

#[test]
fn one_object_has_one_handle_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn one_object_has_one_handle_on_demand() {
    explore(|| scenario(0));
}
