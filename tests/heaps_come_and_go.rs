//! A heap gives everything back when its last handle goes, so a process may make any number of them.

use handfast::Config;
use handfast::raw::{Heap, LinkFlags, PyObject, TypeInfo};
use std::ptr::null_mut;

static LEAF: TypeInfo = TypeInfo::new("Leaf", 16);

#[test]
fn more_heaps_than_address_space_could_hold_at_once() {
    // Each reserves a tebibyte for its PyObjects alone; user space has 128.
    for i in 0..300 {
        let config = Config { max_heap_bytes: 64 << 20, gc_threads: i % 2, ..Config::default() };
        let heap = Heap::new(&config).expect("the heaps before this one are gone");
        let m = heap.attach().unwrap();
        // SAFETY: attached above by this thread; the object is rooted at once, and the handle is ours to drop.
        unsafe {
            let object = m.root(m.alloc(&LEAF));
            let ob = m.handle(*object, 24, null_mut(), LinkFlags::LIGHT);
            PyObject::decref(ob);
            m.detach();
        }
        let report = heap.close().unwrap();
        assert_eq!(report.objects, 0);
    }
}
