//! What the paths of `counts.rs` find when they begin.

#![allow(missing_docs, reason = "fields say what they are; one bench uses this")]

use super::common::standing::{Standing, Stop};
use super::common::{self, Bench, LINKED, NODE, SIZE};
use handfast::raw::{LinkFlags, Object, PyObject, TypeInfo};
use std::ffi::c_void;
use std::hint::black_box;
use std::ptr::null_mut;

/// Operations that are counted.
pub const MANY: u64 = 1000;

unsafe extern "C" {
    fn bench_alloc(mutator: *mut c_void, ty: u32, n: u64);
}

/// A heap whose nursery has a block open, with two objects and what belongs to them.
pub struct Ready {
    pub bench: Bench,
    pub source: *mut Object,
    pub value: *mut Object,
    pub ob: *mut PyObject,
    pub ty: u32,
    pub layout: *const TypeInfo,
    pub linked: *const TypeInfo,
}

pub fn ready() -> Ready {
    let bench = Bench::new(64);
    let m = bench.m;
    let linked =
        bench.heap.register_type("bench::Slotted", &[0, 8], TypeInfo::new("", 24).with_handle_slot(16)).expect("type");
    let ty = bench.heap.register_type("bench::Counted", &[8, 16], TypeInfo::new("", 24)).expect("type");
    // SAFETY: [X1] this thread's mutator; nothing collects until the objects are gone.
    unsafe {
        let (source, value) = (m.alloc(&LINKED), m.alloc(&NODE));
        let ob = m.handle(source, SIZE, null_mut(), LinkFlags::LIGHT);
        // The first of each takes what the others find: a block, a page, a list of roots.
        bench_alloc(m.as_ptr().cast(), (*ty).id(), 1);
        let scope = m.scope_open();
        (0..MANY).for_each(|_| assert!(!black_box(m.root(null_mut())).is_null()));
        m.scope_close(scope);
        Ready { source, value, ob, ty: (*ty).id(), layout: ty, linked, bench }
    }
}

/// In which all memory for handles that was taken so far has been used before.
pub fn used() -> Ready {
    let ready = ready();
    // SAFETY: [X1] this thread's mutator; each reference is dropped.
    (0..2 * MANY).for_each(|_| unsafe { PyObject::decref(ready.bench.m.pyobject_new(SIZE, null_mut())) });
    ready
}

/// A list of a thousand nodes, all old.
pub fn with_old() -> (Bench, *mut *mut Object) {
    let bench = Bench::new(64);
    let list = bench.nodes(MANY as usize);
    // SAFETY: [X1] this thread's mutator; the list is rooted.
    unsafe { bench.m.collect_minor() };
    (bench, list)
}

pub fn published() -> Ready {
    let ready = ready();
    // SAFETY: [X1] this thread's mutator and its objects.
    unsafe {
        ready.bench.m.publish(ready.source);
        ready.bench.m.publish(ready.value);
    }
    ready
}

/// A cycle that stands still, and a list of a thousand old objects that are rooted, none of which is overwritten twice.
pub struct InCycle {
    // Before the mutator goes.
    pub standing: Standing,
    pub list: *mut *mut Object,
    pub value: *mut *mut Object,
    pub ob: *mut PyObject,
    pub bench: Bench,
}

pub fn in_cycle(stop: Stop, public: bool) -> InCycle {
    let bench = Bench::new(64);
    let m = bench.m;
    // SAFETY: [X1] this thread's mutator; everything is rooted.
    let (list, value, ob) = unsafe {
        let (list, value) = (bench.nodes(MANY as usize), m.root(m.alloc(&LINKED)));
        let ob = m.handle(*value, SIZE, null_mut(), LinkFlags::LIGHT);
        if public {
            m.publish(*list);
        }
        // The first of each store takes what the others find: a buffer of grey objects.
        m.collect_full();
        (list, value, ob)
    };
    InCycle { standing: Standing::at(&bench, stop), list, value, ob, bench }
}

pub fn armed() -> InCycle {
    in_cycle(Stop::Armed, false)
}

pub fn scanned() -> InCycle {
    in_cycle(Stop::Scanned, false)
}

pub fn scanned_public() -> InCycle {
    in_cycle(Stop::Scanned, true)
}

pub fn marked() -> InCycle {
    in_cycle(Stop::Marked, false)
}

pub fn marked_public() -> InCycle {
    in_cycle(Stop::Marked, true)
}

/// A rooted chain of a thousand young nodes, in a heap in which a collection has been before.
pub fn chain(length: usize, public: bool) -> (Bench, *mut *mut Object) {
    let bench = Bench::new(64);
    // SAFETY: [X1] this thread's mutator; the chain is rooted.
    let head = unsafe {
        let head = bench.m.root(null_mut());
        for _ in 0..2 {
            bench.m.collect_minor();
            *head = common::chain(bench.m, length);
        }
        if public {
            bench.m.publish(*head);
        }
        head
    };
    (bench, head)
}

pub fn young() -> (Bench, *mut *mut Object) {
    chain(MANY as usize, false)
}

pub fn public_young() -> (Bench, *mut *mut Object) {
    chain(MANY as usize, true)
}

pub fn nothing_young() -> (Bench, *mut *mut Object) {
    chain(0, false)
}
