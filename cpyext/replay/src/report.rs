//! What a replay found: how much of a recording was replayed with equal results, what differed, what was left out.

use std::collections::BTreeMap;
use std::fmt;

/// Differences that are kept with their texts; further ones are counted.
const KEPT: usize = 100;

/// A call that did something else.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Line of the recording, from 1.
    pub line: usize,
    /// The test of the suite that it is part of.
    pub test: String,
    /// The call.
    pub call: String,
    /// What differs.
    pub what: String,
}

/// Counts of one replay.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Calls with equal results.
    pub equal: u64,
    /// Calls with other results.
    pub different: u64,
    /// Calls that were not made, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The first differences.
    pub differences: Vec<Difference>,
}

impl Report {
    /// Recorded calls.
    pub fn total(&self) -> u64 {
        self.equal + self.different + self.skipped.values().sum::<u64>()
    }

    /// The part that was replayed with equal results, in percent; of an empty recording, none.
    ///
    /// ```
    /// let mut report = handfast_cpyext_replay::Report::default();
    /// report.equal = 3;
    /// report.skip("an instance of generator");
    /// assert_eq!(report.percent_equal(), 75.0);
    /// ```
    pub fn percent_equal(&self) -> f64 {
        if self.total() == 0 { 0.0 } else { self.equal as f64 * 100.0 / self.total() as f64 }
    }

    /// Counts a call that is not made.
    pub fn skip(&mut self, reason: &str) {
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// Counts a call that gave something else.
    pub fn differ(&mut self, difference: Difference) {
        self.different += 1;
        if self.differences.len() < KEPT {
            self.differences.push(difference);
        }
    }
}

/// A summary, then each difference and each reason.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped: u64 = self.skipped.values().sum();
        writeln!(
            f,
            "{} calls: {} equal ({:.2} %), {} different, {skipped} skipped",
            self.total(),
            self.equal,
            self.percent_equal(),
            self.different
        )?;
        for (reason, count) in &self.skipped {
            writeln!(f, "  skipped {count}: {reason}")?;
        }
        for Difference { line, test, call, what } in &self.differences {
            writeln!(f, "  line {line} ({test})\n    {call}\n    {what}")?;
        }
        let more = self.different - self.differences.len() as u64;
        if more > 0 { writeln!(f, "  and {more} more differences") } else { Ok(()) }
    }
}
