//! Configurations at the ends of their ranges, in the background.

use handfast::Config;
use handfast::raw::{Heap, TypeInfo};

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);

/// The budget of free memory is the reserve and what the next cycle will need: together more than an address has.
#[test]
fn a_reserve_without_end_keeps_everything() {
    let config = Config { reserve_bytes: usize::MAX, min_trigger_bytes: 64 << 10, ..Config::default() };
    let heap = Heap::new(&config).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: the mutator's own thread; what is kept is rooted.
    unsafe {
        let list = m.root(std::ptr::null_mut());
        while heap.stats().cycles < 3 {
            for _ in 0..10_000 {
                let node = m.alloc(&NODE);
                m.store(node, 0, *list);
                *list = node;
            }
            m.collect_minor();
            *list = std::ptr::null_mut();
        }
        m.detach();
    }
}
