//! An object whose finalizer becomes due in the very handshake that takes a cycle's snapshot survives that cycle.

mod support;

use handfast::Config;
use handfast::raw::{self, GlobalCell, Heap, Mutator, Object, TypeInfo};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::thread;

static CELL: AtomicPtr<GlobalCell> = AtomicPtr::new(null_mut());
static RAN: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn finalize(mutator: *mut c_void, object: *mut Object) {
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe {
        assert_eq!(raw::payload(object).cast::<u64>().read(), 42);
        Mutator::from_ptr(mutator.cast()).unwrap().global_set(CELL.load(SeqCst), object);
    }
    RAN.fetch_add(1, SeqCst);
}

static FINAL: TypeInfo = TypeInfo::new("Final", 8).with_finalizer(finalize);

#[test]
fn a_young_object_that_dies_at_the_snapshot_is_kept_for_its_finalizer() {
    support::fail_fast();
    let config = Config { min_trigger_bytes: 1 << 20, max_heap_bytes: 64 << 20, ..Config::default() };
    let heap = Heap::new(&config).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe {
        CELL.store(m.global_new(null_mut()), SeqCst);
        let object = m.alloc(&FINAL);
        raw::payload(object).cast::<u64>().write(42);
        // The collector answers for this mutator; the cycle is not a full one, so the snapshot's is its first minor.
        m.native_enter();
        heap.external_memory(1 << 20);
        while heap.stats().cycles == 0 {
            thread::yield_now();
        }
        m.native_leave();
        assert_eq!(RAN.load(SeqCst), 1);
        let object = m.global_get(CELL.load(SeqCst));
        let mut walked = vec![];
        m.walk(&mut |object| walked.push(object.address));
        assert_eq!(walked, [object as usize]);
        heap.verify().unwrap();
        m.detach();
    }
}
