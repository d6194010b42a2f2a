//! Checked builds (feature `debug`): the leak report tells what happened to each object that is left.
#![cfg(feature = "debug")]

use handfast::Config;
use handfast::raw::{Heap, LinkFlags, PyObject, TypeInfo};
use std::ptr::null_mut;

#[inline(never)]
unsafe fn borrower_that_keeps(ob: *mut PyObject) {
    // SAFETY: the caller holds it.
    unsafe { PyObject::incref(ob) };
}

#[test]
fn a_leak_is_told_with_its_first_incref() {
    static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).unwrap();
    // SAFETY: this thread's mutator; each object is used before the next collection, each reference is its own.
    unsafe {
        let m = heap.attach().unwrap();
        let leaked = m.pyobject_new(64, null_mut());
        let released = m.pyobject_new(64, null_mut());
        let linked = m.handle(m.alloc(&NODE), 48, std::ptr::without_provenance_mut(0x7e57), LinkFlags::NONE);
        borrower_that_keeps(leaked);
        PyObject::decref(leaked);
        PyObject::decref(released);
        assert_eq!(PyObject::refcnt(linked), 1);
        m.detach();
    }
    let report = heap.close().unwrap();
    assert_eq!((report.objects, report.references), (2, 2));
    let find = |text: &str| report.history.iter().find(|h| h.contains(text)).unwrap_or_else(|| panic!("{report:?}"));
    assert_eq!(report.history.len(), 2);
    let leaked = find("64 bytes");
    assert!(leaked.contains("allocated by thread") && leaked.contains("first incref by thread"), "{leaked}");
    assert!(leaked.contains("borrower_that_keeps (debug_history.rs:11)"), "{leaked}");
    let linked = find("48 bytes");
    assert!(linked.contains("ob_type 0x7e57, count 2, linked"), "{linked}");
    assert!(linked.contains("linked by thread") && !linked.contains("first incref"), "{linked}");
}
