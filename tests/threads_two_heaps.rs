//! Several heaps in a process, and threads that are attached to two of them at once.
//!
//! Why the unsafe blocks are sound: a mutator is used by the thread that attached it, and while it runs; an object is in a
//! root slot, or was made or read since the last call that may collect. "The rule above" means this.

mod support;

use handfast::raw::{self, Heap, LinkFlags, PyObject, TypeInfo};
use handfast::{Config, Error};
use std::ptr::null_mut;
use std::thread;

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);

#[test]
fn heaps_do_not_know_of_each_other() {
    support::fail_fast();
    let config = Config { max_heap_bytes: 64 << 20, ..Config::default() };
    let heaps = [Heap::new(&config).unwrap(), Heap::new(&Config { gc_threads: 0, ..config }).unwrap()];
    let n = if cfg!(gc_zeal) { 300 } else { 30_000 };
    thread::scope(|scope| {
        // Under gc_zeal any allocation may wait for a cycle of one heap, while this thread does not answer for the other:
        // two such threads would wait for each other.
        for _ in 0..if cfg!(gc_zeal) { 1 } else { 3 } {
            // SAFETY: the rule above.
            scope.spawn(|| unsafe {
                let mutators = [heaps[0].attach().unwrap(), heaps[1].attach().unwrap()];
                assert_eq!(heaps[0].attach().unwrap_err(), Error::AlreadyAttached);
                let heads = mutators.map(|m| m.root(null_mut()));
                for i in 0..n {
                    for (m, head) in mutators.into_iter().zip(heads) {
                        let node = m.alloc(&NODE);
                        raw::payload(node).cast::<u64>().add(1).write(i);
                        m.store(node, 0, *head);
                        *head = node;
                    }
                    if i % (n / 3) == 0 {
                        // The other heap's mutator must not be waited for: this thread cannot answer for it here.
                        mutators[i as usize % 2].native_enter();
                        mutators[1 - i as usize % 2].collect_full();
                        mutators[i as usize % 2].native_leave();
                    }
                }
                for (k, (m, head)) in mutators.into_iter().zip(heads).enumerate() {
                    assert!(m.owns(*head) && !mutators[1 - k].owns(*head));
                    let mut node = *head;
                    for i in (0..n).rev() {
                        assert_eq!(raw::payload(node).cast::<u64>().add(1).read(), i);
                        node = m.load(node, 0);
                    }
                    // The count of a PyObject finds its heap by itself.
                    let ob = m.handle(*head, 32, null_mut(), LinkFlags::LIGHT);
                    assert_eq!(m.to_obj(ob), *head);
                    PyObject::decref(ob);
                    heaps[k].verify().unwrap();
                    m.detach();
                }
            });
        }
    });
    for heap in &heaps {
        assert_eq!(heap.stats().attached_mutators, 0);
        assert_eq!(heap.close().unwrap().objects, 0);
    }
}
