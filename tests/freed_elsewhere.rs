//! `PyObject`s that another thread than their maker drops are memory of their maker's again, at the latest when that thread
//! does something else: a minor collection, native code, a drop elsewhere.

#![cfg(not(feature = "debug"))] // There what is freed stays in quarantine for a while.

use handfast::Config;
use handfast::raw::{Heap, Mutator, PyObject};
use std::collections::BTreeSet;
use std::ptr::null_mut;
use std::sync::mpsc::channel;
use std::thread;

/// What no page of 64 KiB has room for.
const PAGE: usize = 2000;
/// Fewer than a thread ever keeps back.
const FEW: usize = 10;

unsafe fn make(m: Mutator) -> usize {
    // SAFETY: the caller's mutator.
    let ob = unsafe { m.pyobject_new(48, null_mut()) } as usize;
    assert_ne!(ob, 0);
    ob
}

/// Another thread drops a few objects of a page that is full, does `then`, and stays. The next objects go where they were.
fn are_used_again(then: unsafe fn(Mutator)) {
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).unwrap();
    // SAFETY: each thread uses its own mutator; each reference is dropped once.
    unsafe {
        let m = heap.attach().unwrap();
        let made: Vec<usize> = (0..PAGE).map(|_| make(m)).collect();
        let freed: BTreeSet<usize> = made[..FEW].iter().copied().collect();
        let of_other = heap.clone();
        let (done, is_done) = channel();
        let (end, ended) = channel::<()>();
        let few = freed.clone();
        let other = thread::spawn(move || {
            let m = of_other.attach().unwrap();
            few.iter().for_each(|&ob| PyObject::decref(ob as *mut PyObject));
            then(m);
            done.send(()).unwrap();
            ended.recv().unwrap();
            m.detach();
        });
        m.native_enter();
        is_done.recv().unwrap();
        m.native_leave();
        let again: BTreeSet<usize> = (0..PAGE).map(|_| make(m)).collect();
        assert_eq!(freed.difference(&again).count(), 0, "some are not used again");
        end.send(()).unwrap();
        m.native_enter();
        other.join().unwrap();
        m.native_leave();
        m.detach();
    }
}

#[test]
fn once_it_goes_into_native_code() {
    unsafe fn native(m: Mutator) {
        // SAFETY: the caller's mutator, which roots nothing.
        unsafe { m.native_enter() };
    }
    are_used_again(native);
}

#[test]
fn once_it_collects() {
    unsafe fn minor(m: Mutator) {
        // SAFETY: as above.
        unsafe { m.collect_minor() };
    }
    are_used_again(minor);
}

#[test]
fn once_it_frees_elsewhere() {
    unsafe fn elsewhere(m: Mutator) {
        // SAFETY: as above; of another thread's page, and freed once.
        unsafe {
            let heap = m.heap().clone();
            let ob = thread::spawn(move || {
                let m = heap.attach().unwrap();
                let ob = make(m);
                m.detach();
                ob
            });
            let ob = ob.join().unwrap();
            PyObject::decref(ob as *mut PyObject);
        }
    }
    are_used_again(elsewhere);
}
