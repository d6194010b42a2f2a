//! `touch_memory`: the memory of a heap is there from the start, nobody waits for a page of it, and it stays.

mod support;

use handfast::Config;
use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard};

static REFS: TypeInfo = TypeInfo::new("Refs", 0).with_ref_items();
static BYTES: TypeInfo = TypeInfo::new("Bytes", 0).with_items(1);

const LIMIT: usize = 64 << 20;
/// Objects of 4000 bytes that fill more than half of the heap.
const OBJECTS: usize = if cfg!(gc_zeal) { 2000 } else { 10_000 };

/// What is resident is counted for the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    support::fail_fast();
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

fn config(touch_memory: bool) -> Config {
    // Ordinary pages, so that each that is touched can be counted.
    Config { max_heap_bytes: LIMIT, huge_pages: false, reserve_bytes: 0, touch_memory, ..Config::default() }
}

/// Resident bytes of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// A rooted table of objects, all written.
unsafe fn fill(m: Mutator) -> *mut *mut Object {
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe {
        let table = m.root(m.alloc_items(&REFS, OBJECTS));
        for i in 0..OBJECTS {
            let object = m.alloc_items(&BYTES, 4000 - 16);
            assert!(!object.is_null(), "out of memory");
            raw::payload(object).cast::<u8>().write_bytes(1, 4000 - 16);
            m.store(*table, 8 * i, object);
        }
        table
    }
}

#[test]
fn nobody_waits_for_a_page_of_objects() {
    let _alone = alone();
    let waited = |touch: bool| {
        let heap = Heap::new(&config(touch)).unwrap();
        let m = heap.attach().unwrap();
        // SAFETY: this thread's mutator.
        unsafe {
            m.collect_minor();
            let before = support::faults();
            fill(m);
            let waited = support::faults() - before;
            m.detach();
            waited
        }
    };
    let pages = OBJECTS * 4000 / 4096;
    let (touched, untouched) = (waited(true), waited(false));
    // The lists of the collector are not the heap's memory, nor are pages that nobody has prepared.
    assert!(touched < pages / 8, "{touched} faults for {pages} pages");
    // The collector's thread has prepared a part.
    assert!(untouched > touched, "{untouched} faults, {touched} in memory that was touched");
}

#[test]
fn all_is_resident_from_the_start_and_stays() {
    let _alone = alone();
    let before = resident();
    let heap = Heap::new(&config(true)).unwrap();
    let held = || resident().saturating_sub(before);
    assert!(held() >= LIMIT, "{} bytes of {LIMIT} are resident", held());
    assert!(heap.stats().committed_bytes as usize >= LIMIT);
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator.
    unsafe {
        let table = fill(m);
        *table = null_mut();
        m.collect_full();
        m.collect_full();
        m.detach();
    }
    assert!(held() >= LIMIT, "{} bytes of {LIMIT} are resident after a full collection", held());
    assert!(heap.stats().committed_bytes as usize >= LIMIT);
}

#[test]
fn large_objects_leave_their_memory_and_find_it_zeroed() {
    let _alone = alone();
    const BIG: usize = 16 << 20;
    let heap = Heap::new(&config(true)).unwrap();
    let m = heap.attach().unwrap();
    let before = resident();
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe {
        let first = m.root(m.alloc_items(&BYTES, BIG));
        assert!(resident() - before >= BIG, "a large object is touched when it is allocated");
        raw::payload(*first).cast::<u8>().write_bytes(7, BIG);
        let at = *first;
        *first = null_mut();
        m.collect_full();
        assert!(resident() - before >= BIG, "its memory stays with the heap");
        let faulted = support::faults();
        let second = m.alloc_items(&BYTES, BIG);
        assert_eq!(second, at, "the same memory is used again");
        let bytes = std::slice::from_raw_parts(raw::payload(second).cast::<u8>(), BIG);
        assert!(bytes.iter().all(|&byte| byte == 0));
        assert!(support::faults() - faulted < BIG / 4096 / 8, "without waiting for it again");
        m.detach();
    }
}

#[test]
fn it_works_without_a_collector_thread_and_to_the_last_byte() {
    let _alone = alone();
    // Not a whole number of chunks, nor of huge pages.
    let config = Config { max_heap_bytes: (13 << 20) + 4096, gc_threads: 0, ..config(true) };
    let heap = Heap::new(&Config { huge_pages: true, ..config }).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
    unsafe {
        let mut bytes = 0;
        loop {
            let object = m.alloc_items(&BYTES, 4000 - 16);
            if object.is_null() {
                break;
            }
            m.root(object);
            bytes += 4000;
        }
        assert!((12 << 20..=(13 << 20) + (32 << 10)).contains(&bytes), "{bytes} bytes of 13 MiB");
        m.detach();
    }
}
