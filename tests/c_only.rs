//! `Stats::c_only` counts the `PyObject`s without a link, whichever thread makes, links or frees them.

use handfast::Config;
use handfast::raw::{Heap, LinkFlags, PyObject, TypeInfo};
use std::ptr::null_mut;
use std::thread;

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_handle_slot(0);

#[test]
fn threads_that_free_each_others_objects_leave_the_count_where_it_was() {
    const EACH: usize = 500;
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).unwrap();
    // SAFETY: each thread uses its own mutator; each reference is dropped once, each dead object freed once.
    unsafe {
        let m = heap.attach().unwrap();
        let mine: Vec<usize> = (0..EACH).map(|i| m.pyobject_new(24 + i * 7, null_mut()) as usize).collect();
        assert_eq!(heap.stats().c_only, EACH as u64);
        let theirs = thread::scope(|s| {
            let work = || {
                let m = heap.attach().unwrap();
                mine.iter().for_each(|&ob| PyObject::decref(ob as *mut PyObject));
                let made: Vec<usize> = (0..EACH).map(|_| m.pyobject_new(48, null_mut()) as usize).collect();
                // Half of them get a link, and die with their objects: they are queued.
                for &ob in &made[EACH / 2..] {
                    let node = m.alloc(&NODE);
                    m.link_c_owned(node, ob as *mut PyObject, LinkFlags::NONE).unwrap();
                    PyObject::decref(ob as *mut PyObject);
                }
                m.detach();
                made
            };
            m.native_enter();
            let made = s.spawn(work).join().unwrap();
            m.native_leave();
            made
        });
        m.collect_full();
        assert_eq!((heap.stats().c_only, heap.stats().links), (EACH as u64, 0));
        let mut dead = 0;
        while let Some(ob) = heap.next_dead().as_mut() {
            PyObject::free(ob);
            dead += 1;
        }
        assert_eq!(dead, EACH / 2);
        assert_eq!(heap.stats().c_only, EACH as u64 / 2);
        theirs[..EACH / 2].iter().for_each(|&ob| PyObject::decref(ob as *mut PyObject));
        assert_eq!(heap.stats().c_only, 0);
        m.detach();
    }
    assert_eq!(heap.close().unwrap().objects, 0);
}
