//! A global root keeps its object alive, on any thread, until it is dropped, on any thread.

use handfast::{Config, Error, Field, Global, Heap, Trace, Weak};
use std::thread;

#[derive(Trace)]
struct Cell {
    value: u64,
    next: Field<Cell>,
}

fn require_send_and_sync<T: Send + Sync>() {}

#[test]
fn a_global_publishes_and_keeps_what_it_refers_to() -> Result<(), Error> {
    require_send_and_sync::<(Heap, Global<Cell>, Weak<Cell>)>();
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    let mut mutator = heap.attach()?;
    let global = mutator.scope(|s| {
        let a = s.alloc(Cell { value: 1, next: Field::null() })?;
        let b = s.alloc(Cell { value: 2, next: Field::null() })?;
        s.set(a, |c| &c.next, b);
        assert!(!s.is_public(a) && !s.is_public(b));
        let global = Global::new(s, a)?;
        assert!(s.is_public(a) && s.is_public(b));
        Ok::<_, Error>(global)
    })?;
    mutator.scope(|s| {
        s.collect_minor();
        s.collect_full();
        assert_eq!(global.get(s).value, 1);
        assert_eq!(global.get(s).get(|c| &c.next).unwrap().value, 2);
    });
    mutator.native(|| {
        thread::scope(|threads| {
            threads.spawn(|| heap.attach().unwrap().scope(|s| assert_eq!(global.get(s).value, 1)));
        });
    });
    Ok(())
}

#[test]
fn a_global_refers_to_what_was_set_last() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let first = s.alloc(1_u64)?;
        let global = Global::new(s, first)?;
        let second = s.alloc(2_u64)?;
        global.set(s, second);
        assert!(s.is_public(second));
        s.collect_full();
        assert_eq!(*global.get(s), 2);
        Ok(())
    })
}

#[test]
fn a_global_dropped_on_an_unattached_thread_frees_its_object() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    let mut mutator = heap.attach()?;
    let (global, weak) = mutator.scope(|s| {
        let object = s.alloc(1_u64)?;
        Ok::<_, Error>((Global::new(s, object)?, Weak::new(s, object)?))
    })?;
    mutator.scope(|s| {
        s.collect_full();
        assert_eq!(weak.upgrade(s).as_deref(), Some(&1));
    });
    thread::spawn(move || drop(global)).join().unwrap();
    mutator.scope(|s| {
        s.collect_full();
        assert_eq!(weak.upgrade(s), None);
    });
    Ok(())
}

#[test]
fn a_global_dropped_in_native_state_frees_its_object() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let (global, weak) = s.scope(|t| {
            let object = t.alloc(1_u64)?;
            Ok::<_, Error>((Global::new(t, object)?, Weak::new(t, object)?))
        })?;
        s.native(|| drop(global));
        s.collect_full();
        assert_eq!(weak.upgrade(s), None);
        Ok(())
    })
}

#[test]
fn globals_outlive_their_heap_harmlessly() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    let left = heap.attach()?.scope(|s| {
        let object = s.alloc(1_u64)?;
        Ok::<_, Error>((Global::new(s, object)?, Weak::new(s, object)?))
    })?;
    heap.close()?;
    assert!(heap.attach().is_err());
    drop(left);
    Ok(())
}
