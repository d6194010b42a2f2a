//! In a heap whose pauses are to be short, a minor collection waits for no page: what its survivors are copied to was made ready
//! while the nursery was filled.

mod support;

use handfast::raw::{self, Heap, TypeInfo};
use handfast::{Config, raw::Mutator};
use std::time::Duration;

static NODE: TypeInfo = TypeInfo::new("Node", 48).with_refs(&[0]);

/// A list of so many bytes, in front of what the root holds.
unsafe fn longer(m: Mutator, root: *mut *mut raw::Object, bytes: usize) {
    for _ in 0..bytes / 64 {
        // SAFETY: this thread's mutator; the list is rooted.
        unsafe {
            let node = m.alloc(&NODE);
            assert!(!node.is_null(), "out of memory");
            m.store(node, 0, *root);
            *root = node;
        }
    }
}

#[test]
#[cfg_attr(gc_zeal, ignore = "what survives is promoted at each allocation, before the collection that is measured")]
fn no_page_is_waited_for_in_a_minor_collection() {
    support::fail_fast();
    const NURSERY: usize = 512 << 10;
    const ROUNDS: usize = 64;
    let heap = Heap::new(&Config {
        max_heap_bytes: 256 << 20,
        // No cycle: sweeping would find memory in use before.
        min_trigger_bytes: 256 << 20,
        nursery_bytes: NURSERY,
        max_nursery_bytes: NURSERY,
        pause_target: Duration::from_millis(1),
        ..Config::default()
    })
    .unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator.
    let (copied, waited) = unsafe {
        let root = m.root(std::ptr::null_mut());
        let (mut copied, mut waited) = (0, 0);
        for _ in 0..ROUNDS {
            // Half of it dies, so that the rest is copied.
            longer(m, root, NURSERY / 16 * 7);
            *root = std::ptr::null_mut();
            longer(m, root, NURSERY / 16 * 7);
            let (before, promoted) = (support::faults(), heap.stats().promoted_bytes);
            m.collect_minor();
            waited += support::faults() - before;
            copied += heap.stats().promoted_bytes - promoted;
        }
        m.detach();
        (copied as usize, waited)
    };
    assert!(copied >= ROUNDS * NURSERY / 4, "{copied} bytes were copied");
    assert!(waited < copied / 4096 / 8, "{waited} faults for {} pages", copied / 4096);
}
