//! Marks are numbers that begin again after 255 cycles: what died long ago must not look alive when its number returns.

mod support;

use handfast::Config;
use handfast::raw::{Heap, Mutator, Object, TypeInfo};
use std::ptr::null_mut;

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);

unsafe fn fresh(m: Mutator, slot: *mut *mut Object, next: *mut *mut Object) {
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe {
        let node = m.alloc(&NODE);
        m.store(node, 0, *next);
        *slot = node;
    }
}

#[test]
fn the_dead_stay_dead_over_a_thousand_cycles() {
    support::fail_fast();
    for gc_threads in [0, 1] {
        let heap = Heap::new(&Config { gc_threads, max_heap_bytes: 32 << 20, ..Config::default() }).unwrap();
        let m = heap.attach().unwrap();
        // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
        unsafe {
            // Neighbours on common lines: every other one dies at some cycle, the rest keep the lines.
            let slots: Vec<_> = (0..800).map(|_| m.root(null_mut())).collect();
            let none = m.root(null_mut());
            for &slot in &slots {
                fresh(m, slot, none);
            }
            m.collect_full();
            let cycles = if cfg!(gc_zeal) { 300 } else { 1100 };
            let mut alive = slots.len();
            for cycle in 0..cycles {
                if cycle * 2 + 1 < slots.len() {
                    slots[cycle * 2 + 1].write(null_mut());
                    alive -= 1;
                }
                let mut count = 0;
                m.walk(&mut |_| count += 1);
                assert_eq!(count, alive, "cycle {cycle}");
                heap.verify().unwrap();
            }
            m.detach();
        }
    }
}
