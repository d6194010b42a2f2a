//! H: objects that cross to C and back, as a runtime would do it for a call of a C function. What CPython and PyPy do for
//! the same call is in `peers/cpyext`; there an interpreter or a compiled loop runs, here a compiled one.

use crate::handle::{SIZE, SLOTTED, with_mutator};
use crate::outcome::Outcome;
use crate::own::Own;
use crate::row::timed;
use crate::workload::Scale;
use handfast::raw::{LinkFlags, Mutator, Object, PyObject, TypeInfo};
use std::hint::black_box;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

static LIST: TypeInfo = TypeInfo::new("bench::List", 0).with_ref_items();
const MILLION: usize = 1_000_000;

/// The systems.
pub fn own() -> Vec<Own> {
    vec![
        Own::handfast("h-call", NAME, "", known),
        Own::handfast("h-fresh", NAME, "", fresh),
        Own::handfast("h-make", NAME, "", made_by_c),
        Own::handfast("h-first", NAME, "", |_| each(false, touch)),
        Own::handfast("h-again", NAME, "", |_| each(true, touch)),
        Own::handfast("h-hold", NAME, "", |_| each(false, hold)),
        Own::handfast("h-full", NAME, "", full),
    ]
}

const NAME: &str = "handfast raw";

/// The C function: takes a borrowed reference.
#[inline(never)]
extern "C" fn take(ob: *mut PyObject) {
    black_box(ob);
}

unsafe fn handle(m: Mutator, object: *mut Object) -> *mut PyObject {
    // SAFETY: [X1] the caller's mutator and its object.
    unsafe { m.handle(object, SIZE, null_mut(), LinkFlags::LIGHT) }
}

/// A call: the object gets its handle, the function runs, the reference goes.
#[inline(always)]
unsafe fn call(m: Mutator, object: *mut Object) {
    // SAFETY: [X1] the caller's mutator and its object; the reference is dropped once.
    unsafe {
        let ob = handle(m, object);
        take(ob);
        PyObject::decref(ob);
    }
}

fn known(scale: Scale) -> Outcome {
    let n = scale.calls();
    let sample = with_mutator(|m| {
        // SAFETY: [X1] this thread's mutator; the object is rooted and old.
        unsafe {
            let root = m.root(m.alloc(&SLOTTED));
            call(m, *root);
            let kept = handle(m, *root);
            m.collect_minor();
            let sample = timed(|| (0..n).for_each(|_| call(m, black_box(*root))));
            PyObject::decref(kept);
            sample
        }
    });
    Outcome::new(sample, n)
}

fn fresh(scale: Scale) -> Outcome {
    let n = scale.calls();
    // SAFETY: [X1] this thread's mutator; the object is used at once.
    let sample = with_mutator(|m| timed(|| (0..n).for_each(|_| unsafe { call(m, m.alloc(&SLOTTED)) })));
    Outcome::new(sample, n)
}

fn made_by_c(scale: Scale) -> Outcome {
    let n = scale.calls();
    let sample = with_mutator(|m| {
        timed(|| {
            for _ in 0..n {
                // SAFETY: [X1] this thread's mutator; freed once.
                unsafe { PyObject::decref(black_box(m.pyobject_new(SIZE, null_mut()))) };
            }
        })
    });
    Outcome::new(sample, n)
}

/// A rooted list of objects, all old.
unsafe fn list(m: Mutator, count: usize) -> *mut *mut Object {
    // SAFETY: [X1] the caller's mutator; the list is rooted.
    unsafe {
        let list = m.root(m.alloc_items(&LIST, count));
        for i in 0..count {
            let object = m.alloc(&SLOTTED);
            m.store(*list, i * 8, object);
        }
        m.collect_minor();
        list
    }
}

/// What C does with each item: it only looks.
unsafe fn touch(m: Mutator, object: *mut Object) {
    // SAFETY: [X1] the caller's mutator and its object.
    unsafe { call(m, object) };
}

/// It keeps a reference.
unsafe fn hold(m: Mutator, object: *mut Object) {
    // SAFETY: [X1] as above; the heap is closed with the reference.
    take(unsafe { handle(m, object) });
}

fn each(again: bool, work: unsafe fn(Mutator, *mut Object)) -> Outcome {
    let sample = with_mutator(|m| {
        // SAFETY: [X1] this thread's mutator; the list is rooted, and nothing below collects.
        unsafe {
            let list = list(m, MILLION);
            let all = |work: unsafe fn(Mutator, *mut Object)| {
                (0..MILLION).for_each(|i| work(m, m.load(*list, i * 8)));
            };
            if again {
                all(touch);
            }
            timed(|| all(work))
        }
    });
    Outcome::new(sample, MILLION as u64)
}

/// Runs full collections on another thread while this one allocates; the longest pause of a mutator meanwhile, in ms.
fn full(scale: Scale) -> Outcome {
    longest_pause(MILLION, if scale.quick { 2 } else { 5 }, 1e-6)
}

/// The longest pause of a mutator while C holds this many objects and full collections run, in nanoseconds times `unit`.
pub fn longest_pause(links: usize, collections: u32, unit: f64) -> Outcome {
    let heap = crate::raw_heap(1024);
    let m = heap.attach().expect("attach");
    // SAFETY: [X1] this thread's mutator; the list is rooted.
    let obs: Vec<*mut PyObject> = unsafe {
        let list = list(m, links.max(1));
        (0..links).map(|i| handle(m, m.load(*list, i * 8))).collect()
    };
    let mut longest = 0;
    let sample = timed(|| {
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                let other = heap.attach().expect("attach");
                for _ in 0..collections {
                    // SAFETY: [X1] that thread's mutator.
                    unsafe { other.collect_full() };
                }
                // SAFETY: [X1] as above.
                unsafe { other.detach() };
                done.store(true, Ordering::Release);
            });
            let mut gaps = crate::gaps::Gaps::new();
            while !done.load(Ordering::Acquire) {
                for _ in 0..16 {
                    // SAFETY: [X1] this thread's mutator.
                    black_box(unsafe { m.alloc(&SLOTTED) });
                }
                gaps.tick();
            }
            longest = gaps.quantile(1.0);
        });
    });
    // SAFETY: [X1] this thread's mutator; each reference is dropped once.
    unsafe {
        obs.iter().for_each(|&ob| PyObject::decref(ob));
        m.detach();
    }
    Outcome::new(sample, 1).figure(longest as f64 * unit).stats(heap.stats())
}
