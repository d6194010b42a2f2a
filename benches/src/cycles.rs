//! Global cycles: what marking costs by the byte, what a mutator loses while cycles run back to back, and the longest pause
//! by the number of links.

use crate::calls::longest_pause;
use crate::outcome::Outcome;
use crate::own::Own;
use crate::row::{Sample, thread_cpu, timed};
use crate::table::{filled, replace};
use crate::workload::Scale;
use handfast::raw::Heap;
use handfast::{Config, Stats};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

const ALONE: &str = "handfast raw, no cycle";

/// The systems.
pub fn own() -> Vec<Own> {
    vec![
        Own::handfast("mark", "handfast raw", "", |scale| {
            let slots = if scale.quick { 500_000 } else { 2_285_714 };
            let (sample, stats) = full_cycles(slots);
            let bytes = stats.live_bytes * ROUNDS;
            Outcome::new(sample, bytes).figure(sample.cpu * 1e9 / bytes as f64).stats(stats)
        }),
        Own::handfast("by-live", "handfast raw", "", |scale| {
            let (sample, stats) = full_cycles(((scale.x as usize) << 20) / (112 + 8));
            Outcome::new(sample, ROUNDS).figure(sample.cpu * 1e3 / ROUNDS as f64).stats(stats)
        }),
        Own::handfast("busy", "handfast raw, back to back", ALONE, |scale| busy(scale, true)),
        Own::limit("busy", ALONE, |scale| busy(scale, false)),
        Own::handfast("links-pause", "handfast raw", "", |scale| longest_pause(scale.x as usize, 3, 1e-3)),
    ]
}

/// No cycle begins by itself.
fn quiet(gc_threads: u32) -> Heap {
    let limit = crate::config(6 << 10);
    let config = Config {
        min_trigger_bytes: 2 * limit.max_heap_bytes,
        reserve_bytes: limit.max_heap_bytes,
        gc_threads,
        ..limit
    };
    Heap::new(&config).expect("heap")
}

/// So many full cycles.
const ROUNDS: u64 = 5;

/// Full cycles over a table and its objects, by the thread that asks, with marking, sweeping and all.
fn full_cycles(slots: usize) -> (Sample, Stats) {
    let heap = quiet(0);
    let m = heap.attach().expect("attach");
    // SAFETY: [X1] this thread's mutator; the table is rooted.
    let sample = unsafe {
        filled(m, slots);
        m.collect_full();
        timed(|| (0..ROUNDS).for_each(|_| m.collect_full()))
    };
    let stats = heap.stats();
    // SAFETY: [X1] as above.
    unsafe { m.detach() };
    (sample, stats)
}

/// W5 with a million slots: the CPU time of the replacing thread, with cycles all the time or none at all. All of it is done
/// once before, so that the heap that no cycle keeps small does not pay for the first touch of its memory.
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
            black_box(replace(m, table, slots, turns, || ()));
            m.collect_full();
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
