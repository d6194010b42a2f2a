//! Arrays are marked piece by piece, by one marker or several: nothing that an item refers to is lost, and nothing is
//! counted twice.

use handfast::Config;
use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};

static ARRAY: TypeInfo = TypeInfo::new("Array", 8).with_refs(&[0]).with_ref_items();
static NUMBER: TypeInfo = TypeInfo::new("Number", 8);

/// Around the length of a piece, several pieces, and large objects.
const LENGTHS: [usize; 9] = [0, 1, 255, 256, 257, 511, 513, 1_000, if cfg!(gc_zeal) { 2_000 } else { 300_000 }];

/// An array whose field and items refer to numbers that count up from `first`.
unsafe fn array(m: Mutator, length: usize, first: u64) -> *mut Object {
    // SAFETY: [X1] this thread's mutator; the array is rooted while numbers are made.
    unsafe {
        let scope = m.scope_open();
        let array = m.root(m.alloc_items(&ARRAY, length));
        for slot in 0..=length {
            let number = m.alloc(&NUMBER);
            assert!(!number.is_null());
            raw::payload(number).cast::<u64>().write(first + slot as u64);
            m.store(*array, 8 * slot, number);
        }
        let array = *array;
        m.scope_close(scope);
        array
    }
}

#[test]
fn every_item_is_marked_and_counted_once() {
    for gc_threads in [0, 1, 3] {
        let heap = Heap::new(&Config { gc_threads, ..Config::default() }).unwrap();
        let m = heap.attach().unwrap();
        // SAFETY: [X1] this thread's mutator; what may collect comes only after objects are rooted.
        unsafe {
            let all = m.root(m.alloc_items(&ARRAY, LENGTHS.len()));
            for (i, &length) in LENGTHS.iter().enumerate() {
                let array = array(m, length, (i as u64) << 32);
                m.store(*all, 8 + 8 * i, array);
            }
            // In a cycle an array is old; its items are marked from it alone.
            for round in 0..3 {
                m.collect_full();
                let numbers: usize = LENGTHS.iter().map(|length| length + 1).sum();
                assert_eq!(
                    heap.stats().live_objects as usize,
                    1 + LENGTHS.len() + numbers,
                    "round {round}, {gc_threads} threads"
                );
                for (i, &length) in LENGTHS.iter().enumerate() {
                    let array = m.load(*all, 8 + 8 * i);
                    for slot in 0..=length {
                        let number = raw::payload(m.load(array, 8 * slot)).cast::<u64>().read();
                        assert_eq!(number, ((i as u64) << 32) + slot as u64);
                    }
                }
                heap.verify().unwrap();
            }
            m.detach();
        }
    }
}
