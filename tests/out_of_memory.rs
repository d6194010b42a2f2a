//! At `max_heap_bytes` an allocation answers null, after a full collection, and the heap stays usable.
//!
//! Why the unsafe blocks are sound: a mutator is used by the thread that attached it, and while it runs; an object is in a
//! root slot, or was made or read since the last call that may collect. "The rule above" means this.

mod support;

use handfast::Config;
use handfast::raw::{self, Heap, TypeInfo};
use std::ptr::null_mut;

static NODE: TypeInfo = TypeInfo::new("Node", 1000).with_refs(&[0]);
static BYTES: TypeInfo = TypeInfo::new("Bytes", 0).with_items(1);

#[test]
fn allocation_fails_after_a_full_cycle_and_works_again_after_dropping() {
    support::fail_fast();
    for gc_threads in [0, 1] {
        let heap = Heap::new(&Config { gc_threads, max_heap_bytes: 8 << 20, ..Config::default() }).unwrap();
        let m = heap.attach().unwrap();
        // SAFETY: the rule above.
        unsafe {
            let head = m.root(null_mut());
            for round in 0..3 {
                let cycles = heap.stats().cycles;
                let mut n = 0;
                loop {
                    let node = m.alloc(&NODE);
                    if node.is_null() {
                        break;
                    }
                    raw::payload(node).cast::<u64>().add(1).write(n);
                    m.store(node, 0, *head);
                    *head = node;
                    n += 1;
                }
                assert!(heap.stats().cycles > cycles, "it gave up without a cycle");
                assert!(n * 1008 > 5 << 20, "round {round}: out of memory after {n} objects");
                assert!(m.alloc_items(&BYTES, 4 << 20).is_null());
                // Everything is still there.
                let mut node = *head;
                for i in (0..n).rev() {
                    assert_eq!(raw::payload(node).cast::<u64>().add(1).read(), i);
                    node = m.load(node, 0);
                }
                assert!(node.is_null());
                heap.verify().unwrap();
                *head = null_mut();
                // A large one fits where the small ones were.
                let large = m.alloc_items(&BYTES, 4 << 20);
                assert!(!large.is_null(), "round {round}: {:?}", heap.stats());
            }
            m.collect_full();
            assert_eq!(heap.stats().live_objects, 0);
            m.detach();
        }
        heap.close().unwrap();
    }
}
