//! Millions of live links: the longest pause of a mutator with them and without, and what a link costs in memory.
//!
//! Both heaps hold the same objects in arrays; in one of them each object is linked, and C holds every handle. Meanwhile
//! and afterwards the mutator allocates, and cycles run. Pauses are those that the heap records for its mutators.

use crate::handle::{SIZE, SLOTTED};
use handfast::raw::{Heap, LinkFlags, Mutator, PyObject, TypeInfo};
use handfast::{Config, Stats};
use std::hint::black_box;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

static CHUNK: TypeInfo = TypeInfo::new("bench::Chunk", 0).with_ref_items();
/// Objects in a chunk: small enough to be no large object.
const IN_CHUNK: usize = 500;
const CYCLES: u64 = 5;

struct Outcome {
    built: Stats,
    end: Stats,
}

unsafe fn churn_until(m: Mutator, done: impl Fn() -> bool) {
    while !done() {
        for _ in 0..10_000 {
            // SAFETY: [X1] this thread's mutator.
            black_box(unsafe { m.alloc(&SLOTTED) });
        }
    }
}

fn one(objects: usize, linked: bool) -> Outcome {
    let heap = Heap::new(&Config::default()).expect("heap");
    let m = heap.attach().expect("attach");
    let mut obs: Vec<*mut PyObject> = Vec::with_capacity(if linked { objects } else { 0 });
    // SAFETY: [X1] this thread's mutator; chunks are rooted, and handles are dropped at the end.
    unsafe {
        for _ in 0..objects / IN_CHUNK {
            let chunk = m.root(m.alloc_items(&CHUNK, IN_CHUNK));
            for i in 0..IN_CHUNK {
                let object = m.alloc(&SLOTTED);
                m.store(*chunk, i * 8, object);
                if linked {
                    obs.push(m.handle(object, SIZE, null_mut(), LinkFlags::LIGHT));
                }
            }
        }
        let built = heap.stats();
        // Another thread asks for the cycles, so that this one runs through all of them.
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let other = heap.attach().expect("attach");
                (0..CYCLES).for_each(|_| other.collect_full());
                other.detach();
                done.store(true, Ordering::Release);
            });
            churn_until(m, || done.load(Ordering::Acquire));
        });
        let end = heap.stats();
        obs.iter().for_each(|&ob| PyObject::decref(ob));
        m.detach();
        Outcome { built, end }
    }
}

/// Runs both and compares.
pub fn run() {
    let objects = std::env::var("LINKS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let (without, with) = (one(objects, false), one(objects, true));
    for (name, outcome) in [("without links", &without), ("with links", &with)] {
        println!(
            "{objects} objects {name:<14} longest pause {:8.3} ms, p99 {:8.3} ms, p50 {:8.3} ms; built after {} minors and {} cycles, {} MiB",
            outcome.end.longest_pause_ns as f64 * 1e-6,
            outcome.end.p99_pause_ns as f64 * 1e-6,
            outcome.end.p50_pause_ns as f64 * 1e-6,
            outcome.built.minor_collections,
            outcome.built.cycles,
            outcome.built.committed_bytes >> 20,
        );
    }
    let ratio = with.end.longest_pause_ns as f64 / without.end.longest_pause_ns as f64;
    println!("longest pause, with links to without: {ratio:.2}");
    let bytes = with.built.committed_bytes as f64 - without.built.committed_bytes as f64;
    println!("a link costs {:.1} bytes beside its slot, of which {SIZE} are the PyObject", bytes / objects as f64);
}
