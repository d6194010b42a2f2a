//! A row: a small question that is asked once a round, and the row that it is compared with.

use crate::outcome::Outcome;
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::Instant;

/// What one run took, in seconds. The CPU time is that of the whole process: on a busy machine it says more.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub wall: f64,
    pub cpu: f64,
}

/// One question.
pub struct Row {
    pub name: &'static str,
    /// The row that this one is divided by.
    pub base: &'static str,
    /// Operations in a run.
    ops: u64,
    run: Box<dyn Fn() -> Sample>,
}

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// CPU seconds of the calling thread.
pub fn thread_cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Runs the part of a workload that counts.
pub fn timed<R>(work: impl FnOnce() -> R) -> Sample {
    let (start, before) = (Instant::now(), cpu());
    black_box(work());
    Sample { cpu: cpu() - before, wall: start.elapsed().as_secs_f64() }
}

impl Row {
    pub fn new(name: &'static str, base: &'static str, ops: u64, run: impl Fn() -> Sample + 'static) -> Row {
        Row { name, base, ops, run: Box::new(run) }
    }

    /// Asks once.
    pub fn run(&self) -> Outcome {
        Outcome::new((self.run)(), self.ops)
    }
}
