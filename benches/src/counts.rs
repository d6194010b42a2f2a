//! W7: a count up and down. The limits are a plain count and an atomic one.

use crate::handle::{SIZE, SLOTTED, with_pair};
use crate::outcome::Outcome;
use crate::own::Own;
use crate::row::{Sample, timed};
use crate::workload::Scale;
use handfast::raw::PyObject;
use std::hint::black_box;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::thread;

const ATOMIC: &str = "atomic count";

unsafe extern "C" {
    fn bench_counts_locked(ob: *mut PyObject, n: u64);
}

/// The systems.
pub fn own() -> Vec<Own> {
    vec![
        Own::handfast("w7", "handfast incref, decref", ATOMIC, |scale| {
            let n = scale.counts();
            Outcome::new(with_pair(&SLOTTED, |_, _, ob| timed(|| up_and_down(ob, n))), n)
        }),
        Own::handfast("w7x2", "handfast incref, decref", ATOMIC, by_two),
        Own::handfast("w7", "handfast in C, under a lock", "plain count", |scale| {
            let n = scale.counts();
            // SAFETY: [X1] a live object, which one thread counts.
            Outcome::new(with_pair(&SLOTTED, |_, _, ob| timed(|| unsafe { bench_counts_locked(ob, n) })), n)
        }),
        Own::limit("w7", ATOMIC, |scale| atomic(scale.counts(), 1)),
        Own::limit("w7x2", ATOMIC, |scale| atomic(scale.counts(), 2)),
        Own::limit("w7", "plain count", |scale| {
            let (n, mut count) = (scale.counts(), 1isize);
            Outcome::new(
                timed(|| {
                    for _ in 0..n {
                        *black_box(&mut count) += 1;
                        *black_box(&mut count) -= 1;
                    }
                }),
                n,
            )
        }),
    ]
}

fn up_and_down(ob: *mut PyObject, n: u64) {
    for _ in 0..n {
        // SAFETY: [X1] a live object, and an attached thread.
        unsafe {
            PyObject::incref(black_box(ob));
            PyObject::decref(black_box(ob));
        }
    }
}

fn on_threads(threads: usize, work: impl Fn() + Sync) -> Sample {
    timed(|| {
        thread::scope(|s| {
            (1..threads).for_each(|_| drop(s.spawn(&work)));
            work();
        });
    })
}

fn atomic(n: u64, threads: usize) -> Outcome {
    let count = AtomicIsize::new(1);
    let sample = on_threads(threads, || {
        for _ in 0..n {
            black_box(&count).fetch_add(1, Ordering::Relaxed);
            black_box(&count).fetch_sub(1, Ordering::Release);
        }
    });
    Outcome::new(sample, n)
}

struct Shared(*mut PyObject);
// SAFETY: [X1] counts are for every attached thread, and the object outlives the threads.
unsafe impl Sync for Shared {}

impl Shared {
    fn get(&self) -> *mut PyObject {
        self.0
    }
}

fn by_two(scale: Scale) -> Outcome {
    let n = scale.counts();
    let heap = crate::raw_heap(1024);
    let m = heap.attach().expect("attach");
    // SAFETY: [X1] this thread's mutator; the reference of C keeps the pair.
    let sample = unsafe {
        let root = m.root(m.alloc(&SLOTTED));
        let ob = Shared(m.handle(*root, SIZE, std::ptr::null_mut(), handfast::LinkFlags::LIGHT));
        m.native_enter();
        let sample = on_threads(2, || {
            let m = heap.attach().ok();
            up_and_down(ob.get(), n);
            if let Some(m) = m {
                m.detach();
            }
        });
        m.native_leave();
        PyObject::decref(ob.get());
        m.detach();
        sample
    };
    Outcome::new(sample, n)
}
