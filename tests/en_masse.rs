//! Where nearly everything survives, nurseries are promoted as they are: nothing moves, nothing is lost, cycles or not.

#![cfg(not(gc_zeal))] // Everything that may move does, then.

use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};
use handfast::{Config, Error};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

static NODE: TypeInfo = TypeInfo::new("Node", 24).with_refs(&[0]);

fn config(gc_threads: u32) -> Config {
    Config {
        nursery_bytes: 128 << 10,
        max_nursery_bytes: 128 << 10,
        min_trigger_bytes: 1 << 20,
        gc_threads,
        ..Config::default()
    }
}

unsafe fn value(node: *mut Object) -> usize {
    // SAFETY: a live node.
    unsafe { raw::payload(node).cast::<usize>().add(1).read() }
}

/// A list of so many nodes; `each` sees every node right after it was made.
unsafe fn build(m: Mutator, nodes: usize, mut each: impl FnMut(*mut Object)) -> *mut *mut Object {
    // SAFETY: the caller's mutator; the list is rooted.
    unsafe {
        let list = m.root(null_mut());
        for i in 0..nodes {
            let node = m.alloc(&NODE);
            assert!(!node.is_null());
            raw::payload(node).cast::<usize>().add(1).write(i);
            m.store(node, 0, *list);
            *list = node;
            each(node);
        }
        list
    }
}

unsafe fn check(m: Mutator, list: *mut *mut Object, nodes: usize) {
    // SAFETY: the caller's mutator; nothing collects.
    unsafe {
        let mut node = *list;
        for i in (0..nodes).rev() {
            assert_eq!(value(node), i);
            node = m.load(node, 0);
        }
        assert!(node.is_null());
    }
}

#[test]
fn what_survives_as_a_whole_stays_where_it_is() -> Result<(), Error> {
    const NODES: usize = 1 << 17;
    let heap = Heap::new(&config(0))?;
    let m = heap.attach()?;
    // SAFETY: this thread's mutator; addresses are only compared.
    unsafe {
        let scope = m.scope_open();
        let mut made = Vec::with_capacity(NODES);
        let list = build(m, NODES, |node| made.push(node));
        check(m, list, NODES);
        m.collect_minor();
        let (mut node, mut stayed) = (*list, 0);
        for &address in made.iter().rev() {
            stayed += usize::from(node == address);
            node = m.load(node, 0);
        }
        assert!(stayed > NODES / 2, "{stayed} of {NODES} stayed");
        assert!(stayed < NODES, "the first nursery is copied: nothing is known yet");
        heap.verify().unwrap();
        m.scope_close(scope);
        m.collect_full();
        assert!(heap.stats().live_objects < 100, "{}", heap.stats().live_objects);
        m.detach();
    }
    Ok(())
}

#[test]
fn lists_grow_while_cycles_run() -> Result<(), Error> {
    const NODES: usize = 100_000;
    for gc_threads in [0, 1] {
        let heap = Heap::new(&config(gc_threads))?;
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                let m = heap.attach().expect("attach");
                while !done.load(Ordering::Relaxed) {
                    // SAFETY: this thread's mutator.
                    unsafe { m.collect_full() };
                }
                // SAFETY: as above.
                unsafe { m.detach() };
            });
            let work = || {
                let m = heap.attach().expect("attach");
                for _ in 0..5 {
                    // SAFETY: this thread's mutator.
                    unsafe {
                        let scope = m.scope_open();
                        let list = build(m, NODES, |_| ());
                        check(m, list, NODES);
                        m.collect_full();
                        check(m, list, NODES);
                        m.scope_close(scope);
                    }
                }
                // SAFETY: as above.
                unsafe { m.detach() };
            };
            let other = s.spawn(work);
            work();
            other.join().expect("the other thread");
            done.store(true, Ordering::Relaxed);
        });
        let m = heap.attach()?;
        // SAFETY: this thread's mutator, and no other.
        unsafe {
            m.collect_full();
            heap.verify().unwrap();
            m.detach();
        }
    }
    Ok(())
}
