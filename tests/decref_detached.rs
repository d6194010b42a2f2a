//! References dropped by threads that are attached to no heap: later, by a mutator or by the end of the heap.

use handfast::Config;
use handfast::raw::{Heap, PyObject};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

unsafe extern "C" fn count(ob: *mut PyObject, arg: *mut c_void) {
    // SAFETY: `arg` is the counter that the test set, and `ob` is dead.
    unsafe {
        (*arg.cast::<AtomicUsize>()).fetch_add(1, Relaxed);
        PyObject::free(ob);
    }
}

fn heap(deallocs: &AtomicUsize) -> Heap {
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).unwrap();
    // SAFETY: the counter outlives the heap.
    unsafe { heap.set_dealloc(Some(count), std::ptr::from_ref(deallocs).cast_mut().cast()) };
    heap
}

struct Reference(*mut PyObject);
// SAFETY: a counted reference may be given up by any thread.
unsafe impl Send for Reference {}

fn drop_elsewhere(heap: &Heap, references: Vec<Reference>) {
    thread::scope(|s| {
        s.spawn(move || {
            for Reference(ob) in references {
                // SAFETY: the reference is given up here.
                unsafe { heap.decref_detached(ob) };
            }
        });
    });
}

#[test]
fn a_safepoint_of_any_mutator_drops_them() {
    let deallocs = AtomicUsize::new(0);
    let heap = heap(&deallocs);
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator.
    unsafe {
        let obs: Vec<_> = (0..1000).map(|_| Reference(m.pyobject_new(48, null_mut()))).collect();
        let kept = Reference(obs[7].0);
        PyObject::incref(kept.0);
        drop_elsewhere(&heap, obs);
        assert_eq!(deallocs.load(Relaxed), 0, "a detached thread ran a dealloc");
        assert_eq!(PyObject::refcnt(kept.0), 2, "the queue holds what was given up");
        thread::scope(|s| {
            s.spawn(|| {
                let other = heap.attach().unwrap();
                other.safepoint();
                other.detach();
            });
        });
        assert_eq!(deallocs.load(Relaxed), 999);
        assert_eq!(PyObject::refcnt(kept.0), 1);
        PyObject::decref(kept.0);
        assert_eq!(deallocs.load(Relaxed), 1000);
        m.detach();
    }
    assert_eq!(heap.close().unwrap().objects, 0);
}

#[test]
fn the_end_of_the_heap_drops_them() {
    let deallocs = AtomicUsize::new(0);
    let heap = heap(&deallocs);
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator.
    let obs = unsafe {
        let obs = (0..10).map(|_| Reference(m.pyobject_new(48, null_mut()))).collect();
        m.detach();
        obs
    };
    drop_elsewhere(&heap, obs);
    assert_eq!(heap.close().unwrap().objects, 0);
    assert_eq!(deallocs.load(Relaxed), 10);
}

/// A dealloc that drops another object in the same way, as code does that cannot know where it runs.
unsafe extern "C" fn drop_next(ob: *mut PyObject, arg: *mut c_void) {
    // SAFETY: `arg` is the heap; an object's type word is the next object, of which it holds a reference.
    unsafe {
        (*arg.cast::<Heap>()).decref_detached((*ob).ob_type.cast());
        PyObject::free(ob);
    }
}

#[test]
fn a_dealloc_may_drop_more_of_them() {
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).unwrap();
    let address = Box::new(heap.clone());
    // SAFETY: this thread's mutator; the box outlives the callback's use.
    unsafe {
        heap.set_dealloc(Some(drop_next), (&raw const *address).cast_mut().cast());
        let m = heap.attach().unwrap();
        let last = m.pyobject_new(24, null_mut());
        PyObject::incref(last);
        let chain = (0..10_000).fold(last, |next, _| m.pyobject_new(24, next.cast()));
        drop_elsewhere(&heap, vec![Reference(chain)]);
        m.safepoint();
        assert_eq!(PyObject::refcnt(last), 1, "the chain was dropped to its end");
        PyObject::decref(last);
        m.detach();
    }
    assert_eq!(heap.close().unwrap().objects, 0);
}
