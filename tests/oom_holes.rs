//! A heap whose blocks all hold something alive still serves small objects from the holes between them.

use handfast::Config;
use handfast::raw::{Heap, TypeInfo};
use std::ptr::null_mut;

static CELL: TypeInfo = TypeInfo::new("Cell", 1016).with_refs(&[0]);

#[test]
fn holes_between_survivors_are_used_before_memory_is_out() {
    let config = Config { max_heap_bytes: 8 << 20, nursery_bytes: 128 << 10, gc_threads: 0, ..Config::default() };
    let heap = Heap::new(&config).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; objects are rooted over what may collect.
    unsafe {
        // Fill the heap with objects that are pinned to their blocks by being rooted.
        let mut slots = vec![];
        loop {
            let object = m.alloc(&CELL);
            if object.is_null() {
                break;
            }
            slots.push(m.root(object));
        }
        let full = slots.len();
        assert!(full > 7000 && full <= 8 << 10, "{full} objects of 1 KiB in 8 MiB");
        // Every other one dies: no block is free, half of the memory is.
        for slot in slots.iter().step_by(2) {
            slot.write(null_mut());
        }
        let mut again = 0;
        loop {
            let object = m.alloc(&CELL);
            if object.is_null() {
                break;
            }
            m.root(object);
            again += 1;
        }
        assert!(again > full / 4, "{again} of {} freed places were used", full / 2);
        heap.verify().unwrap();
        m.detach();
    }
}
