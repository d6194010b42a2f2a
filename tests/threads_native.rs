//! A thread that is blocked in native code delays nobody.
//!
//! Why the unsafe blocks are sound: a mutator is used by the thread that attached it, and while it runs; an object is in a
//! root slot, or was made or read since the last call that may collect. "The rule above" means this.

mod support;

use handfast::Config;
use handfast::raw::{self, Heap, TypeInfo};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Barrier, mpsc};
use std::thread;

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);

#[test]
fn full_collections_complete_while_a_thread_stays_in_native_code() {
    support::fail_fast();
    for gc_threads in [0, 1] {
        let heap = Heap::new(&Config { gc_threads, max_heap_bytes: 64 << 20, ..Config::default() }).unwrap();
        let (entered, returned) = (Barrier::new(2), AtomicBool::new(false));
        let (release, released) = mpsc::channel();
        thread::scope(|scope| {
            let (heap, entered, returned) = (&heap, &entered, &returned);
            // SAFETY: the rule above.
            scope.spawn(move || unsafe {
                let m = heap.attach().unwrap();
                let young = m.root(m.alloc(&NODE));
                raw::payload(*young).cast::<u64>().add(1).write(7);
                let before = *young;
                m.native_enter();
                entered.wait();
                released.recv().unwrap();
                returned.store(true, SeqCst);
                m.native_leave();
                // Others have collected for it: its object has moved, and lives.
                assert_ne!(*young, before);
                assert!(!m.is_young(*young));
                assert_eq!(raw::payload(*young).cast::<u64>().add(1).read(), 7);
                m.detach();
            });
            entered.wait();
            let m = heap.attach().unwrap();
            for cycles in 1..=20 {
                // SAFETY: the rule above.
                unsafe { m.collect_full() };
                assert!(heap.stats().cycles >= cycles);
                assert!(!returned.load(SeqCst), "it was let go only after this");
            }
            // SAFETY: attached and running, and holds no object.
            unsafe { heap.verify() }.unwrap();
            release.send(()).unwrap();
            // SAFETY: the rule above.
            unsafe { m.detach() };
        });
    }
}
