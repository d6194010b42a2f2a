//! A store into something public publishes the value and all that is private behind it, whether the value refers to nothing,
//! to something public or to something private, and whether few or many were published before. The heap's verification
//! and the count of published objects say so.

use handfast::Config;
use handfast::raw::{Heap, Mutator, Object, TypeInfo};

static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();
static NODE: TypeInfo = TypeInfo::new("Node", 24).with_refs(&[0, 8]);
const SLOTS: usize = 64;

/// A node that refers to these; they are rooted meanwhile.
unsafe fn node(m: Mutator, first: *mut Object, second: *mut Object) -> *mut Object {
    // SAFETY: the caller's thread and objects.
    unsafe {
        let (first, second) = (m.root(first), m.root(second));
        let node = m.alloc(&NODE);
        m.store(node, 0, *first);
        m.store(node, 8, *second);
        node
    }
}

#[test]
fn what_is_stored_into_something_public_is_public_with_all_behind_it() {
    let heap = Heap::new(&Config { gc_threads: 0, max_heap_bytes: 64 << 20, ..Config::default() }).expect("a heap");
    let m = heap.attach().expect("a mutator");
    let none = std::ptr::null_mut();
    // SAFETY: one thread, attached; every object is in a root or was made since the last collection.
    unsafe {
        let table = m.root(m.alloc_items(&TABLE, SLOTS));
        m.publish(*table);
        for round in 0..3 {
            for slot in 0..SLOTS {
                let before = heap.stats().published_objects;
                // Alone; beside something public; before one that is private; before two, of which one has one behind it.
                let objects = match (slot + round) % 4 {
                    0 => {
                        m.store(*table, 8 * slot, node(m, none, none));
                        1
                    }
                    1 => {
                        let public = m.load(*table, 8 * ((slot + 1) % SLOTS));
                        m.store(*table, 8 * slot, node(m, public, none));
                        1
                    }
                    2 => {
                        let private = node(m, none, none);
                        m.store(*table, 8 * slot, node(m, none, private));
                        2
                    }
                    _ => {
                        let private = m.root(node(m, none, none));
                        let long = node(m, *private, none);
                        m.store(*table, 8 * slot, node(m, long, *private));
                        3
                    }
                };
                assert_eq!(heap.stats().published_objects - before, objects, "round {round}, slot {slot}");
            }
            m.verify().expect("nothing public refers to anything private");
            m.collect_minor();
            m.verify().expect("nor after a minor collection");
        }
        m.detach();
    }
}
