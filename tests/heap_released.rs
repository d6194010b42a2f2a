//! A heap that is closed gives everything back: memory, address space and threads. A process can make any number of them.

use handfast::Config;
use handfast::raw::{self, Heap, LinkFlags, TypeInfo};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// What is counted belongs to the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

/// Pages of address space, and threads, of this process.
fn usage() -> (usize, usize) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages = statm.split(' ').next().unwrap().parse().unwrap();
    (pages, std::fs::read_dir("/proc/self/task").unwrap().count())
}

/// That it does not use more than that. A thread that was joined may be listed for a moment longer.
fn assert_no_more(pages: usize, threads: usize) {
    let (mut pages_now, mut threads_now) = usage();
    for _ in 0..1000 {
        if threads_now <= threads {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
        (pages_now, threads_now) = usage();
    }
    assert!(threads_now <= threads, "{threads} threads have become {threads_now}");
    // One heap reserves hundreds of GiB; the allocator may have grown by some MiB.
    assert!(pages_now < pages + (1 << 30) / 4096, "{pages} pages have become {pages_now}");
}

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]).with_handle_slot(8);

/// One heap that does a little of everything, closed or left to its last handle.
fn heap(i: u32) {
    let heap = Heap::new(&Config { gc_threads: i % 3, ..Config::default() }).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; what is used after a collection is rooted or held by a count.
    unsafe {
        let root = m.root(m.alloc(&NODE));
        let ob = m.handle(*root, 40, std::ptr::null_mut(), LinkFlags::LIGHT);
        m.weak_free(m.weak_new(*root));
        m.collect_full();
        assert_eq!(m.to_obj(ob), *root);
        raw::PyObject::decref(ob);
        m.detach();
    }
    if i.is_multiple_of(2) {
        assert_eq!(heap.close().unwrap().objects, 0);
    }
}

/// A thread that ends while it is attached, and has dropped all handles before: its end closes the heap.
fn left_to_a_thread(i: u32) {
    let ended = std::thread::spawn(move || {
        let heap = Heap::new(&Config { gc_threads: i % 3, ..Config::default() }).unwrap();
        if i.is_multiple_of(2) {
            // It looks before it attaches.
            assert!(heap.current().is_none());
        }
        let m = heap.attach().unwrap();
        drop(heap);
        // SAFETY: this thread's mutator.
        unsafe {
            let root = m.root(m.alloc(&NODE));
            raw::PyObject::decref(m.handle(*root, 40, std::ptr::null_mut(), LinkFlags::LIGHT));
        }
    });
    ended.join().unwrap();
}

#[test]
fn the_end_of_a_thread_closes_a_heap() {
    let _alone = alone();
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|info| {
        eprintln!("{info}");
        PANICS.fetch_add(1, Ordering::Relaxed);
    }));
    for i in 0..6 {
        left_to_a_thread(i);
    }
    let (pages, threads) = usage();
    for i in 0..30 {
        left_to_a_thread(i);
    }
    let _ = std::panic::take_hook();
    // What panics there is caught, so that the thread ends like any other.
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "panics at the end of a thread");
    assert_no_more(pages, threads);
}

#[test]
fn a_process_makes_heaps_without_end() {
    let _alone = alone();
    for i in 0..6 {
        heap(i);
    }
    let (pages, threads) = usage();
    for i in 0..300 {
        heap(i);
    }
    assert_no_more(pages, threads);
}
