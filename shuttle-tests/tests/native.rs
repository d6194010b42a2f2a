//! A thread that blocks in native code holds up nobody: cycles end without it, others cross its links, and what it holds
//! is there when it comes back.
#![cfg(shuttle)]

use handfast::raw::{LinkFlags, Mutator, PyObject};
use shuttle::sync::{Condvar, Mutex};
use shuttle_tests::explore;
use shuttle_tests::world::{self, Share, node, numbers, root};
use std::ptr::null_mut;
use std::sync::Arc;

/// What the others have done: the reference that the blocked thread has lent, and how many of them are done.
#[derive(Default)]
struct Meeting {
    state: Mutex<(Option<Share<PyObject>>, u32)>,
    changed: Condvar,
}

unsafe fn block(m: Mutator, meeting: &Meeting) {
    // SAFETY: the rule of `world`.
    unsafe {
        let (young, old) = (root(m), root(m));
        *old = node(m, 1, 1);
        m.collect_minor();
        *young = node(m, 2, 2);
        m.store(*old, 0, *young);
        let ob = m.handle(*young, 24, null_mut(), LinkFlags(0));
        PyObject::incref(ob);
        let pinned = node(m, 3, 3);
        m.pin(pinned);
        let kept = root(m);
        *kept = pinned;
        m.native_enter();
        {
            let mut state = meeting.state.lock().unwrap();
            state.0 = Some(Share(ob));
            meeting.changed.notify_all();
            // Nobody wakes this thread before two full collections and a crossing are over.
            while state.1 < 2 {
                state = meeting.changed.wait(state).unwrap();
            }
        }
        m.native_leave();
        assert_eq!(numbers(*old), (1, 1));
        assert_eq!(numbers(*young), (2, 2));
        assert_eq!(m.load(*old, 0), *young, "it moved for both");
        assert_eq!(*kept, pinned, "a pinned object stays where it is");
        assert_eq!(numbers(pinned), (3, 3));
        m.unpin(pinned);
        assert_eq!(m.from_obj(*young), ob);
        PyObject::decref(ob);
    }
}

fn done(meeting: &Meeting) {
    meeting.state.lock().unwrap().1 += 1;
    meeting.changed.notify_all();
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let meeting = Arc::new(Meeting::default());
    let (blocked, crossing, collecting) = (meeting.clone(), meeting.clone(), meeting.clone());
    let work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![
        // SAFETY: the rule of `world`.
        Box::new(move |m| unsafe { block(m, &blocked) }),
        Box::new(move |m| {
            // SAFETY: the rule of `world`.
            unsafe {
                m.native_enter();
                let ob = {
                    let mut state = crossing.state.lock().unwrap();
                    loop {
                        match state.0.take() {
                            Some(ob) => break ob.0,
                            None => state = crossing.changed.wait(state).unwrap(),
                        }
                    }
                };
                m.native_leave();
                assert_eq!(numbers(m.to_obj(ob)), (2, 2));
                PyObject::decref(ob);
            }
            done(&crossing);
        }),
        Box::new(move |m| {
            // SAFETY: the rule of `world`.
            unsafe {
                m.collect_full();
                m.collect_full();
            }
            done(&collecting);
        }),
    ];
    world::threads(&heap, work);
    world::finish(&heap);
}

#[test]
fn a_thread_that_blocks_in_native_code_holds_up_nobody_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn a_thread_that_blocks_in_native_code_holds_up_nobody_on_demand() {
    explore(|| scenario(0));
}
