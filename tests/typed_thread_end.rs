//! Mutators, references and heaps that end in an unusual order: with their thread, forgotten, after their heap was closed.

use handfast::{Config, Error, Global, HandleSlot, Heap, LinkFlags, Mutator, PyRef, Trace, Weak};
use std::cell::RefCell;
use std::thread;

#[derive(Trace)]
struct Cell {
    value: u64,
    slot: HandleSlot,
}

fn heap() -> Heap {
    Heap::new(Config { gc_threads: 1, ..Config::default() }).unwrap()
}

thread_local! {
    static FIRST: RefCell<Option<Mutator>> = const { RefCell::new(None) };
    static OBJECT: RefCell<Option<(PyRef, Global<Cell>)>> = const { RefCell::new(None) };
    static LAST: RefCell<Option<Mutator>> = const { RefCell::new(None) };
}

/// A mutator and what it made, all dropped by the end of the thread, in either order.
fn in_thread_locals(heap: &Heap, store: &'static thread::LocalKey<RefCell<Option<Mutator>>>) {
    store.with_borrow_mut(|m| {
        let m = m.insert(heap.attach().unwrap());
        m.scope(|s| {
            let cell = s.alloc(Cell { value: 7, slot: HandleSlot::new() }).unwrap();
            let ob = s.handle(cell, 40, std::ptr::null_mut(), LinkFlags::LIGHT).unwrap();
            let global = Global::new(s, cell).unwrap();
            OBJECT.set(Some((ob, global)));
        });
    });
}

#[test]
fn a_thread_may_end_with_its_mutator_in_a_thread_local() {
    let heap = heap();
    for _ in 0..50 {
        thread::scope(|t| {
            let threads = [&FIRST, &LAST].map(|store| t.spawn(|| in_thread_locals(&heap, store)));
            // The end of a scope does not wait for the destructors of thread-locals; `join` does.
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }
    heap.attach().unwrap().scope(|s| s.collect_full());
    assert_eq!(heap.stats().attached_mutators, 0);
    heap.close().unwrap();
}

#[test]
fn a_forgotten_mutator_is_detached_with_its_thread() {
    let heap = heap();
    thread::scope(|t| {
        t.spawn(|| std::mem::forget(heap.attach().unwrap())).join().unwrap();
    });
    heap.attach().unwrap().scope(|s| s.collect_full());
    heap.close().unwrap();
}

#[test]
fn what_is_left_of_a_closed_heap_does_no_harm() {
    let heap = heap();
    let mut m = heap.attach().unwrap();
    let (ob, global, weak) = m.scope(|s| {
        let cell = s.alloc(Cell { value: 7, slot: HandleSlot::new() }).unwrap();
        let ob = s.handle(cell, 40, std::ptr::null_mut(), LinkFlags::NONE).unwrap();
        (ob, Global::new(s, cell).unwrap(), Weak::new(s, cell).unwrap())
    });
    assert!(matches!(heap.close(), Err(Error::StillAttached { .. })));
    m.scope(|s| assert_eq!(global.get(s).value, 7));
    m.detach().unwrap();
    assert_eq!(heap.close().unwrap().references, 1);
    assert!(heap.attach().is_err());
    drop(heap);
    drop((ob, weak));
    drop(global);
}
