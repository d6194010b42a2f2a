//! A collector's thread that does not get on: mutators wait for it, so that the heap does not grow by all that they promote.

#![cfg(not(gc_zeal))] // Cycles on demand come first.

use handfast::Config;
use handfast::raw::{self, Heap, Mutator, Object, TypeInfo, Visit};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

static NODE: TypeInfo = TypeInfo::new("Node", 48).with_refs(&[0]);
static SLOW: TypeInfo = TypeInfo::new("Slow", 16).with_trace(take_long);
const NODE_BYTES: usize = 48 + 8;
const MIB: usize = 1 << 20;

/// The next trace by the collector's thread takes half a second.
static DUE: AtomicBool = AtomicBool::new(false);
static TAKEN: AtomicBool = AtomicBool::new(false);

unsafe extern "C" fn take_long(_: *mut Object, _: Visit, _: *mut c_void) {
    if std::thread::current().name() == Some("handfast-gc") && DUE.swap(false, SeqCst) {
        std::thread::sleep(Duration::from_millis(500));
        TAKEN.store(true, SeqCst);
    }
}

/// Promotes lists of two MiB, each dead when the next begins, until the long trace is over, 512 MiB at most. Answers the most
/// bytes in use.
unsafe fn promote(heap: &Heap, m: Mutator) -> u64 {
    let mut most = 0;
    // SAFETY: the caller's mutator; the list is rooted.
    unsafe {
        let list = m.root(null_mut());
        for _ in 0..256 {
            *list = null_mut();
            for _ in 0..2 * MIB / NODE_BYTES {
                let new = m.alloc(&NODE);
                assert!(!new.is_null());
                m.store(new, 0, *list);
                *list = new;
            }
            most = most.max(heap.stats().used_bytes);
            if TAKEN.load(SeqCst) {
                break;
            }
        }
    }
    most
}

#[test]
fn mutators_wait_for_a_collector_that_is_late() {
    let heap = Heap::new(&Config {
        nursery_bytes: MIB,
        max_nursery_bytes: MIB,
        min_trigger_bytes: 4 * MIB,
        pause_target: Duration::from_millis(100),
        max_heap_bytes: 1 << 30,
        ..Config::default()
    })
    .unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; what is used is rooted.
    unsafe {
        let scope = m.scope_open();
        let slow = m.root(null_mut());
        *slow = m.alloc(&SLOW);
        m.collect_full();
        DUE.store(true, SeqCst);
        let most = promote(&heap, m);
        assert!(TAKEN.load(SeqCst), "no cycle began, or it ended without the collector's thread");
        assert!(most < 48 << 20, "{} MiB in use, of which 2 live", most >> 20);
        assert!(std::ptr::eq(raw::type_of(*slow), &SLOW), "what was traced slowly is what it was");
        m.collect_full();
        heap.verify().unwrap();
        m.scope_close(scope);
        m.detach();
    }
}
