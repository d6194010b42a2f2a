//! A dealloc that panics is contained: its caller goes on, and every other object that is due gets its own; also in chains
//! that are longer than any stack, among references that detached threads dropped, in the dead queue and at the heap's end.

use handfast::Config;
use handfast::raw::{Heap, LinkFlags, Mutator, PyObject, TypeInfo};
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_handle_slot(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);
/// The tests share the counter.
static ALONE: Mutex<()> = Mutex::new(());

/// A `PyObject` that owns a reference to the next, and panics when it dies if it is told so.
#[repr(C)]
struct Chain {
    base: PyObject,
    next: *mut Chain,
    panics: bool,
}

fn dealloc(ob: *mut PyObject) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: its last reference is gone, and every object of these heaps is a `Chain`. `next` is null or counted.
    let (next, panics) = unsafe { ((*ob.cast::<Chain>()).next, (*ob.cast::<Chain>()).panics) };
    // SAFETY: freed once; `next` is dropped once.
    unsafe {
        PyObject::free(ob);
        if !next.is_null() {
            PyObject::decref(next.cast());
        }
    }
    assert!(!panics, "on purpose");
}

unsafe fn chain(m: Mutator, next: *mut Chain, panics: bool) -> *mut Chain {
    // SAFETY: this thread's mutator; memory of that size.
    unsafe {
        let ob: *mut Chain = m.pyobject_new(size_of::<Chain>(), null_mut()).cast();
        (*ob).next = next;
        (*ob).panics = panics;
        ob
    }
}

fn with_heap(work: impl FnOnce(&Heap, Mutator)) {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        if !text.contains("on purpose") {
            eprintln!("{text}");
        }
    }));
    CALLS.store(0, Ordering::Relaxed);
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).unwrap();
    // SAFETY: it frees its object once and does not collect.
    unsafe { heap.set_dealloc_fn(dealloc) };
    let m = heap.attach().unwrap();
    work(&heap, m);
    assert_eq!(heap.close().unwrap().objects, 0);
}

#[test]
fn a_long_chain_dies_to_its_end() {
    const LENGTH: usize = if cfg!(feature = "debug") { 20_000 } else { 1_000_000 };
    with_heap(|_, m| {
        // SAFETY: this thread's mutator; each reference is owned by the one before, the first is dropped here.
        unsafe {
            let head = (0..LENGTH).fold(null_mut(), |next, i| chain(m, next, i % 100 == 7));
            PyObject::decref(head.cast());
            m.detach();
        }
        assert_eq!(CALLS.load(Ordering::Relaxed), LENGTH);
    });
}

#[test]
fn what_detached_threads_dropped_is_dropped() {
    with_heap(|heap, m| {
        // SAFETY: this thread's mutator; each reference is dropped once.
        unsafe {
            for i in 0..100 {
                heap.decref_detached(chain(m, null_mut(), i % 3 == 0).cast());
            }
            m.safepoint();
            assert_eq!(CALLS.load(Ordering::Relaxed), 100);
            m.detach();
        }
    });
}

#[test]
fn dead_objects_are_delivered_to_the_end_of_the_heap() {
    with_heap(|heap, m| {
        // SAFETY: this thread's mutator; each handle is dropped once.
        unsafe {
            for i in 0..100 {
                let ob: *mut Chain = m.handle(m.alloc(&NODE), size_of::<Chain>(), null_mut(), LinkFlags::NONE).cast();
                (*ob).panics = i % 3 == 0;
                PyObject::decref(ob.cast());
            }
            m.collect_minor();
            for _ in 0..50 {
                PyObject::decref(heap.next_dead());
            }
            assert_eq!(CALLS.load(Ordering::Relaxed), 50);
            m.detach();
        }
        heap.close().unwrap();
        assert_eq!(CALLS.load(Ordering::Relaxed), 100, "the end of the heap drains the queue");
    });
}
