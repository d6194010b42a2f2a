//! Resident memory over the run.
//!
//! The rule: the highest sample of the last tenth of the run is at most a tenth and 32 MiB above the highest of the
//! tenth before its middle. A leak of a few hundred bytes for each session, tree or handle breaks it within minutes; what
//! heaps hold and give back in turn does not.

use std::time::Duration;

/// What may come on top, in bytes.
const SLACK: usize = 32 << 20;

/// Samples.
#[derive(Debug)]
pub struct Resident {
    time: Duration,
    samples: Vec<(Duration, usize)>,
}

impl Resident {
    /// Of a run that takes so long.
    pub fn new(time: Duration) -> Resident {
        Resident { time, samples: vec![] }
    }

    /// Resident bytes of this process.
    fn now() -> usize {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages: usize = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
        pages * 4096
    }

    /// Takes a sample, and answers it.
    pub fn sample(&mut self, at: Duration) -> usize {
        let now = Resident::now();
        self.samples.push((at, now));
        now
    }

    /// The highest sample of the tenth of the run that ends at this percentage.
    pub fn at(&self, percent: u32) -> usize {
        let end = self.time * percent / 100;
        let start = end.saturating_sub(self.time / 10);
        self.samples.iter().filter(|(at, _)| (start..=end).contains(at)).map(|(_, bytes)| *bytes).max().unwrap_or(0)
    }

    /// Whether it stayed flat.
    pub fn is_flat(&self) -> bool {
        self.at(100) <= self.at(50) / 10 * 11 + SLACK
    }
}
