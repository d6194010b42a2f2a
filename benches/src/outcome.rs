//! What one run of a workload in a process of its own has measured, and the words in which every program here and among
//! the peers prints it: `key=value`, separated by spaces.
//!
//! | key | what |
//! |---|---|
//! | `figure` | the result, in the unit of the workload |
//! | `wall`, `cpu` | seconds of the part that counts; CPU time is that of all threads of the process |
//! | `ops` | operations in it, of all threads |
//! | `sum` | what came out (`expected.rs`) |
//! | `at_peak_…` | MiB of the parts of resident memory at the peak (`memory.rs`) |
//! | `faults`, `switches`, `stolen_ms` | what the machine did to the threads that have ticks (`interruptions.rs`) |
//! | `gap_p50_us` … `gap_p9999_us`, `gap_max_us`, `gap_hist` | time between ticks of the mutators |
//! | `gap_own_us` | the longest without the time in which the thread was ready to run and had no core (`gaps.rs`) |
//! | `pauses`, `pause_p50_us`, `pause_p99_us`, `pause_p999_us`, `pause_max_us` | pauses as the system itself counts them |

use crate::gaps::Gaps;
use crate::row::Sample;
use handfast::Stats;

/// Of one run.
pub struct Outcome {
    sample: Sample,
    ops: u64,
    sum: Option<u64>,
    figure: Option<f64>,
    gaps: Option<Gaps>,
    stats: Option<Stats>,
    more: Vec<(&'static str, f64)>,
}

impl Outcome {
    /// Nanoseconds an operation, from the wall time.
    pub fn new(sample: Sample, ops: u64) -> Outcome {
        Outcome { sample, ops, sum: None, figure: None, gaps: None, stats: None, more: vec![] }
    }

    /// Another figure than nanoseconds an operation.
    pub fn figure(self, figure: f64) -> Outcome {
        Outcome { figure: Some(figure), ..self }
    }

    /// With what came out.
    pub fn sum(self, sum: u64) -> Outcome {
        Outcome { sum: Some(sum), ..self }
    }

    /// With the gaps of the mutators.
    pub fn gaps(self, gaps: Gaps) -> Outcome {
        Outcome { gaps: Some(gaps), ..self }
    }

    /// With what the heap says of its pauses.
    pub fn stats(self, stats: Stats) -> Outcome {
        Outcome { stats: Some(stats), ..self }
    }

    /// With numbers of its own.
    pub fn more(self, more: Vec<(&'static str, f64)>) -> Outcome {
        Outcome { more, ..self }
    }

    /// In words.
    pub fn words(&self) -> String {
        let Sample { wall, cpu } = self.sample;
        let figure = self.figure.unwrap_or(wall * 1e9 / self.ops as f64);
        let mut words = format!("figure={figure:.5} wall={wall:.6} cpu={cpu:.6} ops={}", self.ops);
        if let Some(sum) = self.sum {
            words += &format!(" sum={sum}");
        }
        if let Some(gaps) = &self.gaps {
            words += &format!(" {}", gaps.words());
        }
        if let Some(stats) = &self.stats {
            let us = |ns: u64| ns as f64 / 1e3;
            words += &format!(
                " pauses={} pause_p50_us={:.2} pause_p99_us={:.2} pause_p999_us={:.2} pause_max_us={:.2} minors={} cycles={} promoted={}",
                stats.pauses,
                us(stats.p50_pause_ns),
                us(stats.p99_pause_ns),
                us(stats.p999_pause_ns),
                us(stats.longest_pause_ns),
                stats.minor_collections,
                stats.cycles,
                stats.promoted_bytes,
            );
        }
        self.more.iter().for_each(|(key, number)| words += &format!(" {key}={number:.1}"));
        words
    }
}
