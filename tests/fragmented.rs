//! A table whose objects are replaced one by one, at random: soon no block is free, and every one has holes. The nursery
//! keeps its blocks, survivors go to the holes, and cycles come in time.

use handfast::Config;
use handfast::raw::{self, Heap, TypeInfo};

static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();
static ENTRY: TypeInfo = TypeInfo::new("Entry", 104).with_refs(&[0]);
/// With the table's slot, 120 bytes each.
const ENTRIES: usize = if cfg!(gc_zeal) { 200 } else { 100_000 };

/// Replaces every entry `rounds` times in a heap of `limit` bytes; the number of minor collections.
fn replace_at_random(limit: usize, gc_threads: u32, rounds: usize) -> u64 {
    let heap = Heap::new(&Config { max_heap_bytes: limit, gc_threads, ..Config::default() }).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; the table is rooted, and an entry is used before the next call that may collect.
    unsafe {
        let table = m.root(m.alloc_items(&TABLE, ENTRIES));
        let put = |at: usize, value: usize| {
            let entry = m.alloc(&ENTRY);
            assert!(!entry.is_null(), "out of memory: {:?}", heap.stats());
            raw::payload(entry).cast::<usize>().add(1).write(value);
            m.store(*table, at * 8, entry);
        };
        let mut values: Vec<usize> = (0..ENTRIES).collect();
        for (at, &value) in values.iter().enumerate() {
            put(at, value);
        }
        let mut random = 88_172_645_463_325_252_u64;
        for value in ENTRIES..(rounds + 1) * ENTRIES {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = (random >> 20) as usize % ENTRIES;
            put(at, value);
            values[at] = value;
        }
        for (at, &value) in values.iter().enumerate() {
            let entry = m.load(*table, at * 8);
            assert_eq!(raw::payload(entry).cast::<usize>().add(1).read(), value);
        }
        heap.verify().unwrap();
        m.detach();
    }
    heap.stats().minor_collections
}

#[test]
fn a_heap_of_holes_serves_whole_nurseries() {
    for gc_threads in [0, 1] {
        let minors = replace_at_random(36 << 20, gc_threads, 12);
        // A nursery of 1 MiB takes 9000 entries: 145 minors, and some for cycles. One for every few entries is the end.
        assert!(cfg!(gc_zeal) || minors < 1500, "{minors} minor collections with {gc_threads} threads");
    }
}

#[test]
fn twice_what_lives_is_more_than_enough() {
    // Each entry has a line of 128 bytes to itself, so 1.14 times what lives is in use before anything is lost; then come the nursery and what is promoted while a cycle runs.
    let minors = replace_at_random(22 << 20, 1, 4);
    assert!(cfg!(gc_zeal) || minors < 20_000, "{minors} minor collections");
}
