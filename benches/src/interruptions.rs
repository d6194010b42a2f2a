//! What the machine did to a thread while it was measured: pages that the thread had to wait for, times that another thread
//! got its core, and time that the host of a virtual machine took for itself. A long gap of a program that does none of its
//! own is explained by these, or not at all.

use std::ops::{Add, Sub};

/// Counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interruptions {
    /// Page faults of the thread.
    pub faults: i64,
    /// Times that the thread had to leave its core to another.
    pub switches: i64,
    /// Milliseconds that all cores together did not get although they had work.
    pub stolen_ms: f64,
}

/// What a thread has done so far.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// Nanoseconds that it has run. The time that a host took, Linux does not count.
    pub nanoseconds: u64,
    /// Times that it has waited for something.
    pub waits: i64,
}

impl Running {
    /// Of the calling thread, up to now.
    pub fn now() -> Running {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Running { nanoseconds: time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64, waits: usage().ru_nvcsw }
    }
}

/// Of the calling thread.
fn usage() -> libc::rusage {
    // SAFETY: [X4] a struct of numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: [X4] memory of ours.
    let status = unsafe { libc::getrusage(libc::RUSAGE_THREAD, &mut usage) };
    assert_eq!(status, 0, "getrusage");
    usage
}

impl Interruptions {
    /// Of the calling thread, up to now.
    pub fn now() -> Interruptions {
        let usage = usage();
        Interruptions { faults: usage.ru_minflt + usage.ru_majflt, switches: usage.ru_nivcsw, stolen_ms: stolen_ms() }
    }

    /// As words of an outcome.
    pub fn words(self) -> Vec<(&'static str, f64)> {
        vec![("faults", self.faults as f64), ("switches", self.switches as f64), ("stolen_ms", self.stolen_ms)]
    }
}

impl Sub for Interruptions {
    type Output = Interruptions;
    fn sub(self, earlier: Interruptions) -> Interruptions {
        Interruptions {
            faults: self.faults - earlier.faults,
            switches: self.switches - earlier.switches,
            stolen_ms: self.stolen_ms - earlier.stolen_ms,
        }
    }
}

impl Add for Interruptions {
    type Output = Interruptions;
    /// Of two threads at the same time: what the host took from the machine it took once.
    fn add(self, other: Interruptions) -> Interruptions {
        Interruptions {
            faults: self.faults + other.faults,
            switches: self.switches + other.switches,
            stolen_ms: self.stolen_ms.max(other.stolen_ms),
        }
    }
}

/// The ninth number of the first line of `/proc/stat`, in hundredths of a second or what else the system counts in.
fn stolen_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = text.lines().next().and_then(|line| line.split_whitespace().nth(8)?.parse::<f64>().ok());
    ticks.unwrap_or(0.0) * 1e3 / rustix::param::clock_ticks_per_second() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_are_touched_first_are_counted() {
        let before = Interruptions::now();
        let mut memory = vec![0u8; 64 << 20];
        memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
        std::hint::black_box(&memory);
        // Huge pages, where they are for everybody, are two megabytes.
        assert!((Interruptions::now() - before).faults >= 30);
    }

    #[test]
    fn two_threads_share_the_machine() {
        let one = Interruptions { faults: 1, switches: 2, stolen_ms: 3.0 };
        assert_eq!(one + one, Interruptions { faults: 2, switches: 4, stolen_ms: 3.0 });
    }
}
