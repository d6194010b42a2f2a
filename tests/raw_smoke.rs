//! Allocation, survival and death through the raw layer.

use handfast::Config;
use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};
use std::ptr::null_mut;

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);

fn value(o: *mut Object) -> *mut u64 {
    // SAFETY: every object here is a `Node`; the callers say that it is live.
    unsafe { raw::payload(o).cast::<u64>().wrapping_add(1) }
}

unsafe fn list(m: Mutator, n: u64) -> *mut *mut Object {
    // SAFETY: `m` is attached by this thread; the list is rooted over each allocation, and a new node is stored at once.
    unsafe {
        let head = m.root(null_mut());
        for i in 0..n {
            let node = m.alloc(&NODE);
            assert!(!node.is_null());
            value(node).write(i);
            m.store(node, 0, *head);
            *head = node;
        }
        head
    }
}

unsafe fn check(m: Mutator, head: *mut *mut Object, n: u64) {
    // SAFETY: the list is rooted, and nothing here collects.
    unsafe {
        let mut o = *head;
        for i in (0..n).rev() {
            assert!(!o.is_null());
            assert_eq!(value(o).read(), i);
            o = m.load(o, 0);
        }
        assert!(o.is_null());
    }
}

fn with(config: Config, f: impl FnOnce(&Heap, Mutator)) {
    let heap = Heap::new(&config).unwrap();
    let m = heap.attach().unwrap();
    f(&heap, m);
    // SAFETY: attached above by this thread, and not used afterwards.
    unsafe { m.detach() };
    let report = heap.close().unwrap();
    assert_eq!(report.objects, 0);
}

#[test]
fn a_list_survives_minor_and_full_collections() {
    for gc_threads in [0, 1, 2] {
        // SAFETY: `m` is attached by this thread, and `head` is a root slot that lasts until it detaches.
        with(Config { gc_threads, ..Config::default() }, |heap, m| unsafe {
            let n = if cfg!(gc_zeal) { 5_000 } else { 100_000 };
            let head = list(m, n);
            check(m, head, n);
            m.collect_minor();
            check(m, head, n);
            for _ in 0..3 {
                m.collect_full();
                check(m, head, n);
                heap.verify().unwrap();
            }
            let stats = heap.stats();
            assert!(stats.cycles >= 3, "{stats:?}");
            assert!(stats.live_objects >= n, "{stats:?}");
            *head = null_mut();
            m.collect_full();
            assert_eq!(heap.stats().live_objects, 0);
        });
    }
}

#[test]
fn deep_lists_need_no_stack() {
    // SAFETY: as above.
    with(Config::default(), |heap, m| unsafe {
        let n = if cfg!(gc_zeal) { 10_000 } else { 10_000_000 };
        let head = list(m, n);
        m.collect_full();
        check(m, head, n);
        m.publish(*head);
        m.collect_full();
        assert!(heap.stats().live_objects >= n);
    });
}
