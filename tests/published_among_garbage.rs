//! A program that publishes a part of what it allocates, a run of objects at a time: what is published stays where it is, and
//! between the runs is what the blocks of a nursery leave behind. The next nursery fills that, so the heap does not take a
//! fresh block for each, and there is room for large objects.

use handfast::Config;
use handfast::raw::{self, Heap, TypeInfo};
use std::thread;

static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();
static ENTRY: TypeInfo = TypeInfo::new("Entry", 40).with_refs(&[0]);
static BYTES: TypeInfo = TypeInfo::new("Bytes", 0).with_items(1);

/// Objects that stay, of a thread.
const KEPT: usize = if cfg!(gc_zeal) { 400 } else { 200_000 };
const RUN: usize = 50;
const GARBAGE: usize = 3 * RUN;
const THREADS: usize = 2;
const LARGE: usize = 32 << 10;

/// Bytes of what lives in the end: objects with headers, and slots.
const LIVES: usize = THREADS * KEPT * (48 + 8);

#[test]
fn what_publication_leaves_behind_is_filled_by_the_next_nursery() {
    // Twice what lives, for nurseries and the cycles. In fresh blocks it would be four times what lives.
    let config = Config { max_heap_bytes: (2 * LIVES).max(16 << 20), ..Config::default() };
    let heap = Heap::new(&config).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; the global root keeps the table, which makes it public.
    let global = unsafe {
        let table = m.alloc_items(&TABLE, THREADS * KEPT);
        let global = m.global_new(table) as usize;
        m.native_enter();
        global
    };
    thread::scope(|s| {
        for number in 0..THREADS {
            let heap = &heap;
            s.spawn(move || fill(heap, global, number * KEPT..(number + 1) * KEPT));
        }
    });
    // SAFETY: as above; an object is read before anything is allocated.
    unsafe {
        m.native_leave();
        let table = m.global_get(global as _);
        for at in 0..THREADS * KEPT {
            let entry = m.load(table, 8 * at);
            assert_eq!(raw::payload(entry).cast::<usize>().add(1).read(), at);
        }
        heap.verify().unwrap();
        m.detach();
    }
}

/// Fills slots of the table, each run of new objects after three times as many that are garbage.
fn fill(heap: &Heap, global: usize, slots: std::ops::Range<usize>) {
    let m = heap.attach().unwrap();
    for first in slots.step_by(RUN) {
        // SAFETY: this thread's mutator; no reference is used after the next allocation.
        unsafe {
            for _ in 0..GARBAGE {
                assert!(!m.alloc(&ENTRY).is_null(), "out of memory: {:?}", heap.stats());
            }
            for at in first..first + RUN {
                let entry = m.alloc(&ENTRY);
                assert!(!entry.is_null(), "out of memory: {:?}", heap.stats());
                raw::payload(entry).cast::<usize>().add(1).write(at);
                m.store(m.global_get(global as _), 8 * at, entry);
            }
            if first % (20 * RUN) == 0 {
                assert!(!m.alloc_items(&BYTES, LARGE).is_null(), "out of memory: {:?}", heap.stats());
            }
        }
    }
    // SAFETY: this thread's mutator.
    unsafe { m.detach() };
}
