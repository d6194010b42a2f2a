//! Lengths of pauses: powers of two with sixteen linear steps in each, as the peers' programs keep them.
//!
//! A *gap* is the time between two ticks of a mutator, work and pauses together: what a user of the program notices,
//! measured in the same way on every system, whatever a collector says of itself.
//!
//! A long gap may be the machine's: the thread wanted to run and had no core, since another thread had it, or the host of a
//! virtual machine had stopped that. So beside the longest gap there is the longest *own* gap: of each long gap what the
//! thread ran in it, or all of it where the thread waited for something.

use crate::interruptions::Running;
use std::fmt::Write;
use std::time::Instant;

const STEPS: u64 = 16;

/// Gaps of so many nanoseconds are looked at: what the thread did in them. To look takes less than a microsecond.
const LONG: u64 = 500_000;

/// So often it is looked at anyway: a short wait long before a gap is no part of it.
const OFTEN: u64 = 1_000_000;

/// A histogram of nanoseconds.
pub struct Gaps {
    buckets: Vec<u64>,
    count: u64,
    longest: u64,
    longest_own: u64,
    start: Instant,
    last: u64,
    /// When it was looked at last, and what the thread had done up to then.
    looked: (u64, Running),
}

fn bucket(ns: u64) -> usize {
    if ns < STEPS {
        return ns as usize;
    }
    let power = u64::from(60 - ns.leading_zeros());
    (power * STEPS + (ns >> (power - 1)) % STEPS) as usize
}

fn lowest(bucket: usize) -> u64 {
    let (power, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    if power == 0 { step } else { (STEPS + step) << (power - 1) }
}

impl Gaps {
    /// Begins now.
    pub fn new() -> Gaps {
        Gaps {
            buckets: vec![0; 64 * STEPS as usize],
            count: 0,
            longest: 0,
            longest_own: 0,
            start: Instant::now(),
            last: 0,
            looked: (0, Running::now()),
        }
    }

    /// The gap since the last tick.
    #[inline(always)]
    pub fn tick(&mut self) {
        let now = self.start.elapsed().as_nanos() as u64;
        let gap = now - self.last;
        self.last = now;
        self.buckets[bucket(gap)] += 1;
        self.count += 1;
        self.longest = self.longest.max(gap);
        if gap >= LONG || now - self.looked.0 >= OFTEN {
            self.look(gap);
        }
    }

    #[cold]
    fn look(&mut self, gap: u64) {
        let (at, before) = std::mem::replace(&mut self.looked, (self.last, Running::now()));
        self.longest_own = self.longest_own.max(own(gap, self.last - at, &before, &self.looked.1));
    }

    /// Takes in what another thread has counted.
    pub fn merge(&mut self, other: &Gaps) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(a, b)| *a += b);
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
        self.longest_own = self.longest_own.max(other.longest_own);
    }

    /// Nanoseconds that this part of the gaps does not exceed, to a sixteenth.
    pub fn quantile(&self, part: f64) -> u64 {
        let wanted = (self.count as f64 * part) as u64;
        let mut seen = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen > wanted {
                return lowest(at);
            }
        }
        self.longest
    }

    /// In the words that all programs print.
    pub fn words(&self) -> String {
        let mut words = String::new();
        for (name, part) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999)] {
            let _ = write!(words, "gap_{name}_us={:.2} ", self.quantile(part) as f64 / 1e3);
        }
        let (longest, own) = (self.longest as f64 / 1e3, self.longest_own as f64 / 1e3);
        let _ = write!(words, "gap_max_us={longest:.2} gap_own_us={own:.2} gap_hist=");
        for (at, count) in self.buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            let _ = write!(words, "{}:{count};", lowest(at));
        }
        words
    }
}

/// What of a gap was the thread's own, by what it did in the time since the last look, up to the end of this. It ran all the
/// time between the two, or nearly: all gaps there were short.
fn own(gap: u64, since: u64, before: &Running, after: &Running) -> u64 {
    if after.waits != before.waits {
        return gap;
    }
    let stood = since.saturating_sub(after.nanoseconds.saturating_sub(before.nanoseconds));
    gap.saturating_sub(stood)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_begins_at_most_a_sixteenth_below_its_values() {
        for shift in 0..60 {
            for value in [1u64 << shift, (1 << shift) + 1, (3 << shift) - 1, (1 << shift) * 7 / 4] {
                let low = lowest(bucket(value));
                assert!(low <= value && value - low <= value / STEPS, "{value}: {low}");
                assert_eq!(bucket(low), bucket(value));
            }
        }
    }

    #[test]
    fn time_without_a_core_is_not_the_threads_own() {
        let at = |nanoseconds, waits| Running { nanoseconds, waits };
        assert_eq!(own(700, 1000, &at(50, 3), &at(1050, 3)), 700, "it ran all the time");
        assert_eq!(own(700, 1000, &at(50, 3), &at(450, 3)), 100, "for 600 it had no core");
        assert_eq!(own(700, 1000, &at(50, 3), &at(150, 3)), 0);
        assert_eq!(own(700, 1000, &at(50, 3), &at(450, 4)), 700, "it waited for something");
    }

    #[test]
    fn what_a_thread_waits_for_is_its_own() {
        let mut gaps = Gaps::new();
        gaps.tick();
        assert_eq!(gaps.longest_own, 0);
        std::thread::sleep(std::time::Duration::from_millis(5));
        gaps.tick();
        assert!(gaps.longest_own >= 5_000_000 && gaps.longest_own == gaps.longest);
    }

    #[test]
    fn quantiles_are_those_of_the_gaps() {
        let mut gaps = Gaps::new();
        for ns in (0..1000).map(|n| n * 100) {
            gaps.buckets[bucket(ns)] += 1;
            gaps.count += 1;
            gaps.longest = ns;
        }
        assert!((46_000..=50_000).contains(&gaps.quantile(0.5)), "{}", gaps.quantile(0.5));
        assert!((92_000..=99_000).contains(&gaps.quantile(0.99)), "{}", gaps.quantile(0.99));
        assert_eq!(gaps.words().split(' ').find_map(|w| w.strip_prefix("gap_max_us=")), Some("99.90"));
    }
}
