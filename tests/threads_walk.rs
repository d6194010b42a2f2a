//! A heap walk, and the verifier, meet every live object while another thread drives cycle after cycle.
//!
//! Why the unsafe blocks are sound: a mutator is used by the thread that attached it, and while it runs; an object is in a
//! root slot, or was made or read since the last call that may collect. "The rule above" means this.

mod support;

use handfast::Config;
use handfast::raw::{Heap, Mutator, TypeInfo};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);

unsafe fn list(m: Mutator, n: usize) -> *mut *mut handfast::raw::Object {
    // SAFETY: the rule above.
    unsafe {
        let head = m.root(null_mut());
        for _ in 0..n {
            let node = m.alloc(&NODE);
            m.store(node, 0, *head);
            *head = node;
        }
        head
    }
}

#[test]
fn a_walk_beside_running_cycles_misses_nothing() {
    support::fail_fast();
    let walks = if cfg!(gc_zeal) {
        5
    } else if cfg!(tsan) {
        200
    } else {
        5000
    };
    for gc_threads in [0, 1] {
        let heap = Heap::new(&Config { gc_threads, max_heap_bytes: 64 << 20, ..Config::default() }).unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            // SAFETY: the rule above.
            scope.spawn(|| unsafe {
                let m = heap.attach().unwrap();
                while !stop.load(Ordering::Relaxed) {
                    m.collect_full();
                }
                m.detach();
            });
            let m = heap.attach().unwrap();
            // SAFETY: the rule above.
            unsafe {
                for _ in 0..walks {
                    // A new list each time, so that marks and lines differ from cycle to cycle.
                    let scope = m.scope_open();
                    let _head = list(m, 300);
                    let mut count = 0;
                    m.walk(&mut |object| count += std::ptr::eq(object.type_info, &NODE) as usize);
                    assert_eq!(count, 300);
                    heap.verify().unwrap();
                    m.scope_close(scope);
                }
                m.detach();
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
