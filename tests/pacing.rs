//! What makes a cycle start: promoted bytes, wherever they come from, and external memory.

mod support;

use handfast::Config;
use handfast::raw::{Heap, TypeInfo};
use std::thread;

static BYTES: TypeInfo = TypeInfo::new("Bytes", 1000);

fn heap() -> Heap {
    support::fail_fast();
    let config = Config { gc_threads: 1, max_heap_bytes: 512 << 20, min_trigger_bytes: 1 << 20, ..Config::default() };
    Heap::new(&config).unwrap()
}

/// Until a cycle has run; the watchdog ends a test in which none does.
fn wait_for_cycle(heap: &Heap) {
    while heap.stats().cycles == 0 {
        thread::yield_now();
    }
}

#[test]
fn external_memory_starts_a_cycle() {
    let heap = heap();
    for _ in 0..15 {
        heap.external_memory(64 << 10);
    }
    assert_eq!((heap.stats().cycles, heap.stats().external_bytes), (0, (15 * 64) << 10));
    heap.external_memory(64 << 10);
    wait_for_cycle(&heap);
    heap.external_memory(-(1 << 20));
    assert_eq!(heap.stats().external_bytes, 0);
}

#[test]
fn threads_that_leave_before_their_nursery_is_full_count_too() {
    let heap = heap();
    // What each publishes is promoted only when it leaves.
    for _ in 0..20 {
        thread::scope(|scope| {
            // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
            scope.spawn(|| unsafe {
                let m = heap.attach().unwrap();
                for _ in 0..100 {
                    m.publish(m.alloc(&BYTES));
                }
                m.detach();
            });
        });
    }
    assert!(heap.stats().promoted_bytes > 15 * 100_000);
    wait_for_cycle(&heap);
}

#[test]
#[cfg_attr(gc_zeal, ignore = "collections at every allocation, and cycles of their own")]
fn waiting_for_memory_is_a_pause() {
    support::fail_fast();
    // No cycle but those that a mutator waits for because memory is out.
    let config = Config { gc_threads: 0, max_heap_bytes: 8 << 20, ..Config::default() };
    let heap = Heap::new(&config).unwrap();
    let m = heap.attach().unwrap();
    let mut waits = 0;
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe {
        for _ in 0..20 {
            let scope = m.scope_open();
            for _ in 0..3000 {
                let before = heap.stats();
                let object = m.alloc(&BYTES);
                assert!(!object.is_null(), "out of memory: {before:?}");
                m.root(object);
                let after = heap.stats();
                if after.cycles != before.cycles {
                    waits += 1;
                    assert_eq!(
                        after.pauses - before.pauses,
                        2,
                        "a minor collection and the wait for the cycle: {after:?}"
                    );
                }
            }
            m.scope_close(scope);
        }
        m.detach();
    }
    assert!(waits > 3, "{:?}", heap.stats());
}
