//! A row of the table: a workload that is run once a round, and what it is compared with.

use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::Instant;

/// What one run took, in seconds. The CPU time is that of the whole process: on a busy machine it says more.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub wall: f64,
    pub cpu: f64,
}

/// One workload.
pub struct Row {
    pub name: &'static str,
    /// The row that this one is divided by.
    base: &'static str,
    /// Operations in a run.
    ops: u64,
    run: Box<dyn Fn() -> Sample>,
    samples: Vec<Sample>,
}

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
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
        Row { name, base, ops, run: Box::new(run), samples: vec![] }
    }

    /// Runs it once.
    pub fn round(&mut self, round: usize) {
        let sample = (self.run)();
        eprintln!("round {round} {:<52} {:8.3} s", self.name, sample.wall);
        self.samples.push(sample);
    }

    /// The medians of its rounds, each for itself.
    pub fn median(&self) -> Sample {
        let median = |of: fn(&Sample) -> f64| {
            let mut sorted: Vec<f64> = self.samples.iter().map(of).collect();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        };
        Sample { wall: median(|s| s.wall), cpu: median(|s| s.cpu) }
    }
}

/// Prints all rows: nanoseconds an operation, and the ratio of CPU times to the row that each is compared with.
pub fn print(rows: &[Row]) {
    println!("{:<52} {:>9} {:>9} {:>9}  of", "workload", "wall ns", "CPU ns", "ratio");
    for row in rows {
        let median = row.median();
        let ns = |seconds: f64| seconds * 1e9 / row.ops as f64;
        let base = rows.iter().find(|base| base.name == row.base).map(|base| base.median().cpu / base.ops as f64);
        let ratio = base.map_or(String::new(), |base| format!("{:9.2}  {}", ns(median.cpu) / (base * 1e9), row.base));
        println!("{:<52} {:9.2} {:9.2} {ratio}", row.name, ns(median.wall), ns(median.cpu));
    }
}
