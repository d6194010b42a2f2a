//! Finalizers run once, for objects that nobody reaches, whichever thread finds that out; what they revive lives on.
#![cfg(shuttle)]

use handfast::raw::{self, GlobalCell, Mutator, Object, TypeInfo};
use shuttle_tests::explore;
use shuttle_tests::world::{self, node, numbers, root, word};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};

const OBJECTS: usize = 4;

/// What an execution knows of its finalizers.
struct Book {
    ran: [AtomicU32; OBJECTS],
    /// Where what is revived goes.
    table: AtomicUsize,
}

/// A reference, the address of the book, a number.
static FINAL: TypeInfo = TypeInfo::new("Final", 24).with_refs(&[0]).with_finalizer(finalize);

unsafe extern "C" fn finalize(mutator: *mut c_void, object: *mut Object) {
    // SAFETY: the book outlives the heap; the mutator is this thread's; nothing here collects.
    unsafe {
        let (book, number) = (&*(word(object, 1).read() as *const Book), word(object, 2).read() as usize);
        assert_eq!(book.ran[number].fetch_add(1, SeqCst), 0, "finalizer {number} ran before");
        let m = Mutator::from_ptr(mutator.cast()).unwrap();
        assert_eq!(numbers(m.load(object, 0)), (number as u64, 5), "what it refers to is whole");
        if number.is_multiple_of(2) {
            let table = book.table.load(SeqCst) as *mut GlobalCell;
            m.store(m.global_get(table), 8 * (OBJECTS + number), object);
        }
    }
}

unsafe fn make(m: Mutator, book: *const Book, number: usize) -> *mut Object {
    // SAFETY: the rule of `world`.
    unsafe {
        let part = root(m);
        *part = node(m, number as u64, 5);
        let object = m.alloc(&FINAL);
        assert!(!object.is_null());
        word(object, 1).write(book as u64);
        word(object, 2).write(number as u64);
        m.store(object, 0, *part);
        object
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let table = world::table(&heap, 2 * OBJECTS);
    let book = Arc::new(Book { ran: Default::default(), table: AtomicUsize::new(table.get() as usize) });
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for me in 0..2 {
        let book = book.clone();
        work.push(Box::new(move |m| {
            // SAFETY: the rule of `world`.
            unsafe {
                let (private, shared) = (2 * me, 2 * me + 1);
                let object = root(m);
                // One dies young, or in its owner's snapshot; the other is shared first.
                *object = make(m, &*book, private);
                m.safepoint();
                assert_eq!(book.ran[private].load(SeqCst), 0, "finalized while it was rooted");
                *object = make(m, &*book, shared);
                m.store(m.global_get(table.get()), 8 * shared, *object);
                *object = null_mut();
                m.safepoint();
                assert_eq!(book.ran[shared].load(SeqCst), 0, "finalized while a global root led to it");
                m.store(m.global_get(table.get()), 8 * shared, null_mut());
                m.collect_minor();
            }
        }));
    }
    // SAFETY: the rule of `world`.
    work.push(Box::new(move |m| unsafe {
        m.collect_full();
        m.collect_full();
    }));
    world::threads(&heap, work);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.collect_full();
        m.collect_full();
        for number in 0..OBJECTS {
            assert_eq!(book.ran[number].load(SeqCst), 1, "finalizer {number} did not run");
            let revived = m.load(m.global_get(table.get()), 8 * (OBJECTS + number));
            assert_eq!(revived.is_null(), !number.is_multiple_of(2));
            if !revived.is_null() {
                assert!(std::ptr::eq(raw::type_of(revived), &FINAL));
                assert_eq!(numbers(m.load(revived, 0)), (number as u64, 5));
            }
        }
        m.detach();
    }
    world::finish(&heap);
    for ran in &book.ran {
        assert_eq!(ran.load(SeqCst), 1, "once for an object, however often it dies");
    }
}

#[test]
fn a_finalizer_runs_once_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn a_finalizer_runs_once_on_demand() {
    explore(|| scenario(0));
}
