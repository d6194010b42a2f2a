//! Memory of dead objects goes back to the operating system: small ones, large ones, and those between.

mod support;

use handfast::Config;
use handfast::raw::{Heap, TypeInfo};

static REFS: TypeInfo = TypeInfo::new("Refs", 0).with_ref_items();
static BYTES: TypeInfo = TypeInfo::new("Bytes", 0).with_items(1);

/// Resident bytes of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn resident_and_committed_bytes_fall_after_dropping_256_mib() {
    support::fail_fast();
    let total: usize = if cfg!(gc_zeal) { 64 << 20 } else { 256 << 20 };
    let config = Config { gc_threads: 0, max_heap_bytes: 1 << 30, reserve_bytes: 4 << 20, ..Config::default() };
    for size in [4096, 16 << 10, 100 << 10, 1 << 20, 64 << 20] {
        if cfg!(gc_zeal) && size < 100 << 10 {
            continue;
        }
        let heap = Heap::new(&config).unwrap();
        let m = heap.attach().unwrap();
        let before = resident();
        // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
        unsafe {
            let n = total / size;
            let table = m.root(m.alloc_items(&REFS, n));
            for i in 0..n {
                let bytes = m.alloc_items(&BYTES, size - 16);
                assert!(!bytes.is_null());
                std::ptr::write_bytes(handfast::raw::payload(bytes).cast::<u8>(), 1, size - 16);
                m.store(*table, 8 * i, bytes);
            }
            m.collect_full();
            let (held, committed) = (resident() - before, heap.stats().committed_bytes as usize);
            assert!(held > total / 10 * 9 && committed > total / 10 * 9, "{size}: {held} {committed}");
            *table = std::ptr::null_mut();
            m.collect_full();
            let (held, committed) = (resident().saturating_sub(before), heap.stats().committed_bytes as usize);
            assert!(held < total / 8, "objects of {size}: {held} bytes are resident still");
            assert!(committed < total / 8, "objects of {size}: {committed} bytes are said to be committed still");
            m.detach();
        }
    }
}
