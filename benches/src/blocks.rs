//! W6: blocks of 48 bytes that C can hold: `PyObject`s here, `malloc` in the peers' program. A thread frees a batch of 64
//! that it has made, or hands batches over a ring to another one that frees them.

use crate::outcome::Outcome;
use crate::own::Own;
use crate::row::timed;
use crate::workload::Scale;
use handfast::raw::{Heap, PyObject};
use std::hint::black_box;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::thread;

const SIZE: usize = 48;
const BATCH: usize = 64;
const RING: usize = 256;

/// The systems.
pub fn own() -> Vec<Own> {
    vec![Own::handfast("w6", "handfast PyObject", "", same), Own::handfast("w6x", "handfast PyObject", "", across)]
}

fn same(scale: Scale) -> Outcome {
    let heap = crate::raw_heap(1024);
    let m = heap.attach().expect("attach");
    let n = scale.blocks();
    let mut batch = [null_mut::<PyObject>(); BATCH];
    let sample = timed(|| {
        for _ in 0..n / BATCH as u64 {
            // SAFETY: [X1] this thread's mutator; each is freed once.
            unsafe {
                batch.iter_mut().for_each(|ob| *ob = m.pyobject_new(SIZE, null_mut()));
                black_box(&mut batch).iter().for_each(|&ob| PyObject::decref(ob));
            }
        }
    });
    // SAFETY: [X1] as above.
    unsafe { m.detach() };
    Outcome::new(sample, n)
}

/// On a cache line of its own.
#[repr(align(128))]
struct Position(AtomicUsize);

struct Ring {
    batches: Vec<[AtomicPtr<PyObject>; BATCH]>,
    head: Position,
    tail: Position,
}

impl Ring {
    fn produce(&self, batches: usize, make: impl Fn() -> *mut PyObject) {
        for batch in 0..batches {
            // Acquire and release: the other thread is done with the batch.
            while batch - self.tail.0.load(Ordering::Acquire) >= RING {
                thread::yield_now();
            }
            for slot in &self.batches[batch % RING] {
                slot.store(make(), Ordering::Relaxed);
            }
            self.head.0.store(batch + 1, Ordering::Release);
        }
    }

    fn consume(&self, batches: usize, free: impl Fn(*mut PyObject)) {
        for batch in 0..batches {
            while self.head.0.load(Ordering::Acquire) <= batch {
                thread::yield_now();
            }
            for slot in &self.batches[batch % RING] {
                free(slot.load(Ordering::Relaxed));
            }
            self.tail.0.store(batch + 1, Ordering::Release);
        }
    }
}

fn across(scale: Scale) -> Outcome {
    let heap: Heap = crate::raw_heap(1024);
    let n = scale.blocks();
    let ring = Ring {
        batches: (0..RING).map(|_| [const { AtomicPtr::new(null_mut()) }; BATCH]).collect(),
        head: Position(AtomicUsize::new(0)),
        tail: Position(AtomicUsize::new(0)),
    };
    let (ring, heap, batches) = (&ring, &heap, n as usize / BATCH);
    let attached = |work: &dyn Fn(handfast::raw::Mutator)| {
        let m = heap.attach().expect("attach");
        work(m);
        // SAFETY: [X1] this thread's mutator.
        unsafe { m.detach() };
    };
    let sample = timed(|| {
        thread::scope(|s| {
            // SAFETY: [X1] this thread's mutator.
            s.spawn(|| attached(&|m| ring.produce(batches, || unsafe { m.pyobject_new(SIZE, null_mut()) })));
            // SAFETY: [X1] each is freed once, by an attached thread.
            attached(&|_| ring.consume(batches, |ob| unsafe { PyObject::decref(ob) }));
        });
    });
    Outcome::new(sample, n)
}
