//! Arrays of ten million references, stores of young objects into them, and an object of a gibibyte.

mod support;

use handfast::Config;
use handfast::raw::{self, Heap, TypeInfo};

static NUMBER: TypeInfo = TypeInfo::new("Number", 8);
static REFS: TypeInfo = TypeInfo::new("Refs", 0).with_ref_items();
static BYTES: TypeInfo = TypeInfo::new("Bytes", 0).with_items(1);

#[test]
fn ten_million_references_survive_and_are_updated() {
    support::fail_fast();
    let n: usize = if cfg!(gc_zeal) { 3000 } else { 10_000_000 };
    let heap = Heap::new(&Config { max_heap_bytes: 2 << 30, ..Config::default() }).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe {
        let array = m.root(m.alloc_items(&REFS, n));
        for i in 0..n {
            let number = m.alloc(&NUMBER);
            raw::payload(number).cast::<u64>().write(i as u64);
            m.store(*array, 8 * i, number);
        }
        // Old by now: sparse stores, then more of them than are remembered singly.
        for (step, add) in [(100_003, 1), (101, 2)] {
            for i in (0..n).step_by(step) {
                let number = m.alloc(&NUMBER);
                raw::payload(number).cast::<u64>().write(i as u64 + add);
                m.store(*array, 8 * i, number);
            }
            m.collect_minor();
        }
        m.collect_full();
        heap.verify().unwrap();
        for i in 0..n {
            let expected = if i % 101 == 0 {
                i + 2
            } else if i % 100_003 == 0 {
                i + 1
            } else {
                i
            };
            assert_eq!(raw::payload(m.load(*array, 8 * i)).cast::<u64>().read(), expected as u64);
        }
        m.collect_full();
        assert_eq!(heap.stats().live_objects, n as u64 + 1);
        m.detach();
    }
}

#[test]
fn an_object_of_a_gibibyte_lives_and_dies() {
    support::fail_fast();
    let heap = Heap::new(&Config { max_heap_bytes: 3 << 30, ..Config::default() }).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe {
        let bytes = m.root(m.alloc_items(&BYTES, 1 << 30));
        assert!(!(*bytes).is_null());
        let payload = raw::payload(*bytes).cast::<u8>();
        assert_eq!(raw::items(*bytes), 1 << 30);
        payload.add((1 << 30) - 1).write(9);
        m.collect_minor();
        m.collect_full();
        assert_eq!(raw::payload(*bytes).cast::<u8>(), payload, "large objects do not move");
        assert_eq!((payload.read(), payload.add((1 << 30) - 1).read()), (0, 9));
        assert!(heap.stats().live_bytes > 1 << 30);
        *bytes = std::ptr::null_mut();
        m.collect_full();
        assert_eq!(heap.stats().live_bytes, 0);
        assert!(heap.stats().used_bytes < 16 << 20);
        assert!(m.alloc_items(&BYTES, usize::MAX).is_null() && m.alloc_items(&BYTES, 2 << 30).is_null());
        m.detach();
    }
}
