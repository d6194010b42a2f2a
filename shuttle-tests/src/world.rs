//! What the scenarios share: a tiny heap, objects that can tell whether they are still themselves, and threads.
//!
//! Why the unsafe blocks of the scenarios are sound: a mutator is used by the thread that attached it, and while it runs;
//! an object is in a root slot, or was made or read since the last call that may collect. "The rule above" means this.

use handfast::Config;
use handfast::raw::{self, GlobalCell, Heap, Mutator, Object, TypeInfo};
use shuttle::thread;
use std::ptr::null_mut;

/// Two references, two numbers, a check word.
pub static NODE: TypeInfo = TypeInfo::new("Node", 40).with_refs(&[0, 8]);
/// References.
pub static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();
/// Plain words.
pub static WORDS: TypeInfo = TypeInfo::new("Words", 0).with_items(8);

/// The smallest heap.
pub fn config(gc_threads: u32) -> Config {
    Config {
        gc_threads,
        nursery_bytes: 128 << 10,
        // Of one size: what grows by the clock is not repeated by a token.
        max_nursery_bytes: 128 << 10,
        max_heap_bytes: 4 << 20,
        growth_percent: 10,
        min_trigger_bytes: 256,
        reserve_bytes: 0,
        huge_pages: false,
        ..Config::default()
    }
}

/// A heap of [`config`].
///
/// # Panics
/// When the machine is out of address space.
pub fn heap(gc_threads: u32) -> Heap {
    Heap::new(&config(gc_threads)).expect("a tiny heap")
}

fn check_word(a: u64, b: u64) -> u64 {
    (a ^ b.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The word at an index of an object's payload.
///
/// # Safety
/// The object is live and that long.
pub unsafe fn word(object: *mut Object, i: usize) -> *mut u64 {
    // SAFETY: the caller's promise.
    unsafe { raw::payload(object).cast::<u64>().add(i) }
}

/// A new node with two numbers. May collect.
///
/// # Safety
/// The rule above.
///
/// # Panics
/// When memory is out.
pub unsafe fn node(m: Mutator, a: u64, b: u64) -> *mut Object {
    // SAFETY: the rule above.
    unsafe {
        let object = m.alloc(&NODE);
        assert!(!object.is_null(), "out of memory");
        word(object, 2).write(a);
        word(object, 3).write(b);
        word(object, 4).write(check_word(a, b));
        object
    }
}

/// The numbers of a node.
///
/// # Safety
/// The rule above.
///
/// # Panics
/// When it is no node any more.
pub unsafe fn numbers(object: *mut Object) -> (u64, u64) {
    // SAFETY: the rule above.
    unsafe {
        assert!(std::ptr::eq(raw::type_of(object), &NODE), "{object:p} is no node any more");
        let (a, b) = (word(object, 2).read(), word(object, 3).read());
        assert_eq!(word(object, 4).read(), check_word(a, b), "{object:p} ({a}, {b}) was overwritten");
        (a, b)
    }
}

/// Something that other threads may have although its type does not say so: a cell, a `PyObject` with a counted reference.
#[derive(Debug)]
pub struct Share<T>(pub *mut T);

// SAFETY: cells and counted references are any thread's.
unsafe impl<T> Send for Share<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Share<T> {}

impl<T> Clone for Share<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Share<T> {}

impl<T> Share<T> {
    /// The address.
    pub fn get(self) -> *mut T {
        self.0
    }
}

/// A global root that holds a table of this many empty slots. Its own mutator comes and goes.
///
/// # Panics
/// When memory is out.
pub fn table(heap: &Heap, slots: usize) -> Share<GlobalCell> {
    let m = heap.attach().expect("this thread is attached to nothing");
    // SAFETY: the rule above.
    unsafe {
        let table = m.alloc_items(&TABLE, slots);
        assert!(!table.is_null(), "out of memory");
        let cell = m.global_new(table);
        m.detach();
        Share(cell)
    }
}

/// Runs each of them on a thread of its own that is attached to the heap, and waits for all.
///
/// # Panics
/// When one does.
pub fn threads(heap: &Heap, work: Vec<Box<dyn FnOnce(Mutator) + Send>>) {
    let all: Vec<_> = work
        .into_iter()
        .map(|work| {
            let heap = heap.clone();
            thread::spawn(move || {
                let m = heap.attach().expect("a thread of its own");
                work(m);
                // SAFETY: the rule above.
                unsafe { m.detach() };
            })
        })
        .collect();
    for one in all {
        one.join().expect("a failure ends the process");
    }
}

/// The end of every scenario: full collections until nothing changes, the verifier, and a heap that nobody holds anything of.
///
/// # Panics
/// When the verifier finds something, or C still holds an object.
pub fn finish(heap: &Heap) {
    let m = heap.attach().expect("this thread is attached to nothing");
    // SAFETY: the rule above.
    unsafe {
        m.collect_full();
        heap.verify().unwrap();
        m.detach();
    }
    let report = heap.close().expect("nobody is attached");
    assert_eq!((report.objects, report.references), (0, 0), "C still holds something: {report:?}");
}

/// A private root with nothing in it.
///
/// # Safety
/// The rule above.
pub unsafe fn root(m: Mutator) -> *mut *mut Object {
    // SAFETY: the rule above.
    unsafe { m.root(null_mut()) }
}
