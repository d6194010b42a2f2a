//! Threads attach and detach a thousand times while collections run; what they publish stays, what they keep goes.
//!
//! Why the unsafe blocks are sound: a mutator is used by the thread that attached it, and while it runs; an object is in a
//! root slot, or was made or read since the last call that may collect. "The rule above" means this.

mod support;

use handfast::Config;
use handfast::raw::{self, Heap, TypeInfo};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();

const THREADS: usize = 4;

#[test]
fn a_thousand_threads_come_and_go_while_cycles_run() {
    support::fail_fast();
    let each = if cfg!(gc_zeal) { 20 } else { 250 };
    for gc_threads in [0, 1, 2] {
        let heap = Heap::new(&Config { gc_threads, max_heap_bytes: 256 << 20, ..Config::default() }).unwrap();
        let m = heap.attach().unwrap();
        // SAFETY: the rule above.
        let table = unsafe { m.global_new(m.alloc_items(&TABLE, THREADS * each)) } as usize;
        // SAFETY: the rule above.
        unsafe { m.native_enter() };
        let left = AtomicUsize::new(THREADS);
        thread::scope(|scope| {
            for t in 0..THREADS {
                let (heap, left) = (&heap, &left);
                scope.spawn(move || {
                    for i in 0..each {
                        // A thread of its own each time: records are taken over from threads that are gone.
                        thread::scope(|inner| {
                            // SAFETY: the rule above.
                            inner.spawn(|| unsafe {
                                let m = heap.attach().unwrap();
                                let head = m.root(null_mut());
                                for k in 0..10 + (i as u64) % 50 {
                                    let node = m.alloc(&NODE);
                                    raw::payload(node).cast::<u64>().add(1).write(k);
                                    m.store(node, 0, *head);
                                    *head = node;
                                }
                                let table = m.global_get(table as *mut _);
                                m.store(table, 8 * (t * each + i), *head);
                                m.detach();
                            });
                        });
                    }
                    left.fetch_sub(1, Relaxed);
                });
            }
            // SAFETY: the rule above.
            scope.spawn(|| unsafe {
                let m = heap.attach().unwrap();
                while left.load(Relaxed) > 0 {
                    m.collect_full();
                }
                m.detach();
            });
        });
        // SAFETY: the rule above.
        unsafe {
            m.native_leave();
            m.collect_full();
            heap.verify().unwrap();
            let table = m.global_get(table as *mut _);
            let mut count = 1;
            for i in 0..THREADS * each {
                let mut node = m.load(table, 8 * i);
                for k in (0..10 + ((i % each) as u64) % 50).rev() {
                    assert_eq!(raw::payload(node).cast::<u64>().add(1).read(), k);
                    node = m.load(node, 0);
                    count += 1;
                }
                assert!(node.is_null());
            }
            m.collect_full();
            assert_eq!(heap.stats().live_objects, count);
            assert_eq!(heap.stats().attached_mutators, 1);
            m.detach();
        }
        heap.close().unwrap();
    }
}
