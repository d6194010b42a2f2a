//! Gaps between ticks, and the words that all programs here print (see `src/outcome.rs` of the runner): powers of two with
//! sixteen linear steps in each. Included by the programs that are written in Rust.

/// A histogram of nanoseconds.
pub struct Gaps {
    buckets: Vec<u64>,
    count: u64,
    longest: u64,
}

fn lowest(at: u64) -> u64 {
    if at < 16 {
        at
    } else {
        (16 + (at & 15)) << (at / 16 - 1)
    }
}

impl Gaps {
    pub fn new() -> Gaps {
        Gaps { buckets: vec![0; 64 * 16], count: 0, longest: 0 }
    }

    #[inline(always)]
    pub fn add(&mut self, ns: u64) {
        let at = if ns < 16 {
            ns
        } else {
            let power = u64::from(60 - ns.leading_zeros());
            power * 16 + ((ns >> (power - 1)) & 15)
        };
        self.buckets[at as usize] += 1;
        self.count += 1;
        self.longest = self.longest.max(ns);
    }

    pub fn merge(&mut self, other: &Gaps) {
        for (a, b) in self.buckets.iter_mut().zip(&other.buckets) {
            *a += b;
        }
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    fn us(&self, part: f64) -> f64 {
        let (wanted, mut seen) = ((self.count as f64 * part) as u64, 0);
        for (at, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen > wanted {
                return lowest(at as u64) as f64 / 1e3;
            }
        }
        self.longest as f64 / 1e3
    }

    /// `gap_p50_us=… … gap_hist=…`, or with `pause` what a collector says of its pauses.
    pub fn words(&self, kind: &str) -> String {
        let parts = [("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999)];
        let mut words: String =
            parts.iter().map(|(name, part)| format!(" {kind}_{name}_us={:.2}", self.us(*part))).collect();
        words += &format!(" {kind}_max_us={:.2} {kind}_hist=", self.longest as f64 / 1e3);
        for (at, count) in self.buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            words += &format!("{}:{count};", lowest(at as u64));
        }
        words
    }
}

/// CPU seconds of the process.
pub fn cpu() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: memory of ours.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The numbers that choose slots: the same on every system.
#[inline(always)]
pub fn random_slot(state: &mut u64, slots: u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    ((*state >> 20) % slots) as usize
}

/// Where they start.
pub fn random_start(slots: u64) -> u64 {
    88_172_645_463_325_252 + slots
}
