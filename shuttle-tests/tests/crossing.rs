//! Threads that cross each other's private links, running or native, while a third collects.
#![cfg(shuttle)]

use handfast::raw::{LinkFlags, Mutator, PyObject};
use shuttle::sync::Mutex;
use shuttle_tests::explore;
use shuttle_tests::thread;
use shuttle_tests::world::{self, Share, node, numbers, root};
use std::ptr::null_mut;
use std::sync::Arc;

/// A counted reference for each thread to take, once its owner has put it there.
type Desks = Arc<[Mutex<Option<Share<PyObject>>>; 2]>;

/// Keeps a private pair, lends its `PyObject` out, and crosses the other's.
unsafe fn exchange(m: Mutator, desks: &Desks, me: usize, light: bool) {
    // SAFETY: the rule of `world`.
    unsafe {
        let own = root(m);
        *own = node(m, me as u64, 7);
        let behind = node(m, me as u64, 8);
        m.store(*own, 0, behind);
        let ob = m.handle(*own, 24, null_mut(), if light { LinkFlags::LIGHT } else { LinkFlags(0) });
        PyObject::incref(ob);
        *desks[me].lock().unwrap() = Some(Share(ob));
        let other = loop {
            let there = desks[1 - me].lock().unwrap().take();
            if let Some(other) = there {
                break other.0;
            }
            // In native code somebody else does what is asked of this thread.
            m.native_enter();
            thread::yield_now();
            m.native_leave();
        };
        let object = root(m);
        *object = m.to_obj(other);
        assert!(m.is_public(*object), "who crosses reaches public objects only");
        assert_eq!(numbers(*object), (1 - me as u64, 7));
        assert_eq!(numbers(m.load(*object, 0)), (1 - me as u64, 8));
        PyObject::decref(other);
        m.safepoint();
        assert_eq!(numbers(m.load(*object, 0)), (1 - me as u64, 8), "rooted here");
        assert_eq!(m.from_obj(*own), ob, "where the object is now, its handle is the same");
        assert_eq!(m.to_obj(ob), *own);
        m.store(*object, 8, *own);
        PyObject::decref(ob);
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let desks: Desks = Arc::new([Mutex::new(None), Mutex::new(None)]);
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for me in 0..2 {
        let desks = desks.clone();
        // SAFETY: the rule of `world`.
        work.push(Box::new(move |m| unsafe { exchange(m, &desks, me, me == 0) }));
    }
    // SAFETY: the rule of `world`.
    work.push(Box::new(move |m| unsafe {
        m.collect_full();
        m.collect_full();
    }));
    world::threads(&heap, work);
    world::finish(&heap);
}

#[test]
fn two_that_cross_each_other_both_get_the_whole_object_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn two_that_cross_each_other_both_get_the_whole_object_on_demand() {
    explore(|| scenario(0));
}
