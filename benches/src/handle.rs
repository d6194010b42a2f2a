//! Handles: a pair made and dropped, a handle found, a count up and down, a million of them; with a handle slot in the
//! object and without. Against mimalloc for memory, and an atomic of our own for counts.

use crate::row::{Row, Sample, timed};
use handfast::raw::{LinkFlags, Mutator, Object, PyObject, TypeInfo};
use std::hint::black_box;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::thread;

/// Two references, a handle slot and a word.
pub static SLOTTED: TypeInfo = TypeInfo::new("bench::Slotted", 32).with_refs(&[0, 8]).with_handle_slot(16);
/// The same without the slot.
pub static SLOTLESS: TypeInfo = TypeInfo::new("bench::Slotless", 32).with_refs(&[0, 8]);
static ARRAY: TypeInfo = TypeInfo::new("bench::Array", 0).with_ref_items();

/// Bytes of a `PyObject` here.
pub const SIZE: usize = 48;
const MANY: u64 = 20_000_000;
const MILLION: usize = 1_000_000;

const COUNT: &str = "handle: atomic up and down";
const SHARED: &str = "handle: atomic up and down, two threads";
const CALL: &str = "handle: empty call";
const MALLOC: &str = "handle: object, and malloc and free of mimalloc";

/// Runs `work` with a mutator of a heap of its own.
pub fn with_mutator<R>(work: impl FnOnce(Mutator) -> R) -> R {
    let heap = crate::raw_heap(1024);
    let m = heap.attach().expect("attach");
    let result = work(m);
    // SAFETY: [X1] this thread's mutator.
    unsafe { m.detach() };
    result
}

/// Runs `work` with a rooted object that has a handle, both old.
pub fn with_pair(ty: &'static TypeInfo, work: impl FnOnce(Mutator, *mut Object, *mut PyObject) -> Sample) -> Sample {
    with_mutator(|m| {
        // SAFETY: [X1] this thread's mutator; the object is rooted over the collection.
        unsafe {
            let root = m.root(m.alloc(ty));
            let ob = m.handle(*root, SIZE, null_mut(), LinkFlags::LIGHT);
            m.collect_minor();
            let sample = work(m, *root, ob);
            PyObject::decref(ob);
            sample
        }
    })
}

#[inline(never)]
fn empty(object: *mut Object) -> *mut Object {
    black_box(object)
}

/// A pair for one call argument: made, used by C, dropped; the minors that come with it included.
fn pairs(ty: &'static TypeInfo, flags: LinkFlags) -> Sample {
    with_mutator(|m| {
        timed(|| {
            for _ in 0..MANY {
                // SAFETY: [X1] this thread's mutator; the reference is dropped once.
                unsafe {
                    let ob = m.handle(m.alloc(ty), SIZE, null_mut(), flags);
                    PyObject::decref(black_box(ob));
                    if flags == LinkFlags::NONE {
                        drain(m);
                    }
                }
            }
        })
    })
}

/// What a runtime does after its notifier has run; here whenever it thinks of it.
#[inline]
unsafe fn drain(m: Mutator) {
    // SAFETY: [X1] this thread's mutator; each dead object is freed once.
    unsafe {
        let heap = m.heap();
        loop {
            let dead = heap.next_dead();
            if dead.is_null() {
                return;
            }
            PyObject::free(dead);
        }
    }
}

fn objects_and_malloc() -> Sample {
    with_mutator(|m| {
        timed(|| {
            for _ in 0..MANY {
                // SAFETY: [X2] freed once; [X1] this thread's mutator.
                unsafe {
                    black_box(m.alloc(&SLOTTED));
                    let memory = libmimalloc_sys::mi_malloc(SIZE).cast::<[usize; 3]>();
                    memory.write([1, 0, 0]);
                    libmimalloc_sys::mi_free(black_box(memory).cast());
                }
            }
        })
    })
}

fn found(ty: &'static TypeInfo) -> Sample {
    with_pair(ty, |m, object, _| {
        timed(|| {
            for _ in 0..MANY {
                // SAFETY: [X1] this thread's mutator and its object.
                black_box(unsafe { m.from_obj(black_box(object)) });
            }
        })
    })
}

fn got(ty: &'static TypeInfo) -> Sample {
    with_pair(ty, |m, object, _| {
        timed(|| {
            for _ in 0..MANY {
                // SAFETY: [X1] this thread's mutator and its object; the reference is dropped.
                unsafe { PyObject::decref(m.handle(black_box(object), SIZE, null_mut(), LinkFlags::LIGHT)) };
            }
        })
    })
}

fn count_up_and_down(ob: *mut PyObject) {
    for _ in 0..MANY {
        // SAFETY: [X1] a live object.
        unsafe {
            PyObject::incref(black_box(ob));
            PyObject::decref(black_box(ob));
        }
    }
}

fn atomic_up_and_down(count: &AtomicIsize) {
    for _ in 0..MANY {
        black_box(count).fetch_add(1, Ordering::Relaxed);
        black_box(count).fetch_sub(1, Ordering::Release);
    }
}

fn twice(work: impl Fn() + Sync) -> Sample {
    timed(|| {
        thread::scope(|s| {
            s.spawn(&work);
            work();
        })
    })
}

struct Shared(*mut PyObject);
// SAFETY: [X1] counts are for every attached thread, and the object outlives the scope.
unsafe impl Sync for Shared {}

impl Shared {
    fn get(&self) -> *mut PyObject {
        self.0
    }
}

fn counted_by_two() -> Sample {
    with_pair(&SLOTTED, |m, _, ob| {
        let shared = Shared(ob);
        // SAFETY: [X1] this thread's mutator.
        let heap = unsafe { m.heap() }.clone();
        twice(move || {
            let other = heap.attach().ok();
            count_up_and_down(shared.get());
            if let Some(other) = other {
                // SAFETY: [X1] attached above by this thread.
                unsafe { other.detach() };
            }
        })
    })
}

/// An array of a million objects, and `work` on each with its handle.
fn million(ty: &'static TypeInfo, linked: bool, work: fn(Mutator, *mut Object)) -> Sample {
    with_mutator(|m| {
        // SAFETY: [X1] this thread's mutator; the array is rooted.
        unsafe {
            let array = m.root(m.alloc_items(&ARRAY, MILLION));
            for i in 0..MILLION {
                let object = m.alloc(ty);
                m.store(*array, i * 8, object);
            }
            m.collect_minor();
            let each = |work: fn(Mutator, *mut Object)| {
                for i in 0..MILLION {
                    work(m, m.load(*array, i * 8));
                }
            };
            if linked {
                each(get_one);
            }
            timed(|| each(work))
        }
    })
}

fn get_one(m: Mutator, object: *mut Object) {
    // SAFETY: [X1] this thread's mutator and its object; the reference is dropped, the link stays.
    unsafe { PyObject::decref(m.handle(object, SIZE, null_mut(), LinkFlags::LIGHT)) };
}

fn find_one(m: Mutator, object: *mut Object) {
    // SAFETY: [X1] as above.
    black_box(unsafe { m.from_obj(object) });
}

/// The rows.
pub fn rows() -> Vec<Row> {
    let row = |name, base, run: fn() -> Sample| Row::new(name, base, MANY, run);
    let each = |name, run: fn() -> Sample| Row::new(name, CALL, MILLION as u64, run);
    vec![
        row(CALL, CALL, || {
            let object = black_box(null_mut());
            timed(|| {
                for _ in 0..MANY {
                    black_box(empty(black_box(object)));
                }
            })
        }),
        row("handle: found (from_obj)", CALL, || found(&SLOTTED)),
        row("handle: found, no slot", CALL, || found(&SLOTLESS)),
        row(COUNT, COUNT, || {
            let count = AtomicIsize::new(1);
            timed(|| atomic_up_and_down(&count))
        }),
        row("handle: incref and decref", COUNT, || with_pair(&SLOTTED, |_, _, ob| timed(|| count_up_and_down(ob)))),
        row("handle: got and dropped", COUNT, || got(&SLOTTED)),
        row("handle: got and dropped, no slot", COUNT, || got(&SLOTLESS)),
        row(SHARED, SHARED, || {
            let count = AtomicIsize::new(1);
            twice(|| atomic_up_and_down(&count))
        }),
        row("handle: incref and decref, two threads", SHARED, counted_by_two),
        row(MALLOC, MALLOC, objects_and_malloc),
        row("handle: pair made and dropped", MALLOC, || pairs(&SLOTTED, LinkFlags::LIGHT)),
        row("handle: pair made and dropped, no slot", MALLOC, || pairs(&SLOTLESS, LinkFlags::LIGHT)),
        row("handle: pair made, dropped, queued and freed", MALLOC, || pairs(&SLOTTED, LinkFlags::NONE)),
        each("handle: made for each of a million in a list", || million(&SLOTTED, false, get_one)),
        each("handle: made for each of a million, no slot", || million(&SLOTLESS, false, get_one)),
        each("handle: found for each of a million", || million(&SLOTTED, true, find_one)),
        each("handle: found for each of a million, no slot", || million(&SLOTLESS, true, find_one)),
    ]
}
