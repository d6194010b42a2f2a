//! Global cycles: what marking costs by the byte, what a mutator loses while cycles run back to back, and the longest pause
//! by the number of links.

use crate::calls::longest_pause;
use crate::outcome::Outcome;
use crate::own::Own;
use crate::row::{Sample, thread_cpu, timed};
use crate::table::{filled, replace};
use crate::workload::Scale;
use handfast::Config;
use handfast::raw::Heap;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

const ALONE: &str = "handfast raw, no cycle";

/// The systems.
pub fn own() -> Vec<Own> {
    vec![
        Own::handfast("mark", "handfast raw", "", mark),
        Own::handfast("busy", "handfast raw, back to back", ALONE, |scale| busy(scale, true)),
        Own::limit("busy", ALONE, |scale| busy(scale, false)),
        Own::handfast("links-pause", "handfast raw", "", |scale| longest_pause(scale.x as usize, 3, 1e-3)),
    ]
}

/// No cycle begins by itself.
fn quiet(gc_threads: u32) -> Heap {
    let config = Config { min_trigger_bytes: 4 << 30, gc_threads, ..crate::config(6 << 10) };
    Heap::new(&config).expect("heap")
}

/// Full cycles by the thread that asks, with marking, sweeping and all; CPU time.
fn mark(scale: Scale) -> Outcome {
    let slots = if scale.quick { 500_000 } else { 2_285_714 };
    let rounds = if scale.quick { 3 } else { 5 };
    let heap = quiet(0);
    let m = heap.attach().expect("attach");
    // SAFETY: [X1] this thread's mutator; the table is rooted.
    let sample = unsafe {
        filled(m, slots);
        m.collect_full();
        timed(|| (0..rounds).for_each(|_| m.collect_full()))
    };
    let stats = heap.stats();
    // SAFETY: [X1] as above.
    unsafe { m.detach() };
    Outcome::new(sample, stats.live_bytes * rounds)
        .figure(sample.cpu * 1e9 / (stats.live_bytes * rounds) as f64)
        .stats(stats)
}

/// W5 with a million slots: the CPU time of the replacing thread, with cycles all the time or none at all.
fn busy(scale: Scale, cycles: bool) -> Outcome {
    let (slots, turns) = (1_000_000, if scale.quick { 1_000_000 } else { 5_000_000 });
    let heap = quiet(1);
    let m = heap.attach().expect("attach");
    let done = AtomicBool::new(false);
    let start = Instant::now();
    let mut own = 0.0;
    thread::scope(|s| {
        // SAFETY: [X1] this thread's mutator; the table is rooted.
        unsafe {
            let table = filled(m, slots);
            if cycles {
                s.spawn(|| {
                    let other = heap.attach().expect("attach");
                    while !done.load(Ordering::Acquire) {
                        other.collect_full();
                    }
                    other.detach();
                });
            }
            let before = thread_cpu();
            black_box(replace(m, table, slots, turns, || ()));
            own = thread_cpu() - before;
            done.store(true, Ordering::Release);
            m.detach();
        }
    });
    let sample = Sample { wall: start.elapsed().as_secs_f64(), cpu: own };
    Outcome::new(sample, turns).figure(own * 1e9 / turns as f64).stats(heap.stats())
}
