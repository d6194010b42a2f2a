//! Finalizers found by one collection run in the order in which their thread allocated the objects, however often the
//! bookkeeping was used before.

use handfast::Config;
use handfast::raw::{self, Heap, Object, TypeInfo};
use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::null_mut;

thread_local!(static RAN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) });

unsafe extern "C" fn finalize(_: *mut c_void, object: *mut Object) {
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    RAN.with_borrow_mut(|ran| ran.push(unsafe { raw::payload(object).cast::<u64>().read() }));
}

static FINAL: TypeInfo = TypeInfo::new("Final", 8).with_finalizer(finalize);

#[test]
fn old_and_young_objects_are_finalized_in_the_order_of_their_allocation() {
    let heap = Heap::new(&Config { gc_threads: 0, max_heap_bytes: 64 << 20, ..Config::default() }).unwrap();
    let m = heap.attach().unwrap();
    for old in [true, false, true, true] {
        if !old && cfg!(gc_zeal) {
            continue; // All but the last are old there: two collections find them.
        }
        // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
        unsafe {
            let scope = m.scope_open();
            let roots: Vec<_> = (0..20).map(|_| m.root(null_mut())).collect();
            for (i, root) in roots.iter().enumerate() {
                let object = m.alloc(&FINAL);
                raw::payload(object).cast::<u64>().write(i as u64);
                **root = object;
            }
            if old {
                m.collect_minor();
            }
            m.scope_close(scope);
            m.collect_full();
        }
        assert_eq!(RAN.take(), (0..20).collect::<Vec<_>>(), "old: {old}");
    }
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe { m.detach() };
}
