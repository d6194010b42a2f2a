//! What is printed.

use crate::files::Files;
use crate::index::{Done, Work};
use handfast::Stats;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// The first progress line comes after this time, the next ones not sooner than `BETWEEN`.
const FIRST: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(500);

/// The progress line, on standard error.
#[derive(Debug)]
pub struct Progress {
    start: Instant,
    due: Instant,
    in_place: bool,
    shown: bool,
}

impl Progress {
    /// From now.
    pub fn new() -> Progress {
        let start = Instant::now();
        Progress { start, due: start + FIRST, in_place: io::stderr().is_terminal(), shown: false }
    }

    /// How long until the next line may come.
    pub fn wait(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// The line, if it is due.
    pub fn show(&mut self, work: &Work<'_>, files: &Files) {
        let now = Instant::now();
        if now < self.due {
            return;
        }
        self.due = now + BETWEEN;
        self.shown = true;
        let bytes = work.bytes.load(Relaxed);
        let rate = megabytes(bytes) / (now - self.start).as_secs_f64();
        let (before, after) = if self.in_place { ("\r", "") } else { ("", "\n") };
        let line = format!(
            "{before}{} of {} files, {:.0} of {:.0} MB, {rate:.1} MB/s{after}",
            work.files.load(Relaxed),
            files.paths.len(),
            megabytes(bytes),
            megabytes(files.bytes)
        );
        // A closed standard error is no reason to stop.
        let _ = io::stderr().write_all(line.as_bytes());
    }

    /// The end of the line.
    pub fn end(self) -> Duration {
        if self.shown && self.in_place {
            let _ = writeln!(io::stderr());
        }
        self.start.elapsed()
    }
}

/// One word of the result.
#[derive(Debug)]
pub struct Top {
    pub text: Vec<u8>,
    pub count: u64,
    pub files: u64,
}

/// Prints the most frequent words.
pub fn words(out: &mut impl Write, top: &[Top]) -> io::Result<()> {
    writeln!(out, "{:>12} {:>8}  word", "count", "files")?;
    for word in top {
        writeln!(out, "{:>12} {:>8}  {}", word.count, word.files, String::from_utf8_lossy(&word.text))?;
    }
    Ok(())
}

/// Prints what was read, and how fast.
pub fn input(
    out: &mut impl Write,
    files: &Files,
    done: &Done,
    words: u64,
    threads: usize,
    time: Duration,
) -> io::Result<()> {
    writeln!(
        out,
        "\n{} files, {} bytes, {} words, {words} different, {} postings",
        done.files, done.bytes, done.words, done.postings
    )?;
    if done.binary + files.skipped_folders > 0 {
        let folders = files.skipped_folders;
        writeln!(out, "skipped: {} binary files, {folders} folders (.git, caches)", done.binary)?;
    }
    let rate = megabytes(done.bytes) / time.as_secs_f64();
    writeln!(out, "{:.2} s with {threads} threads: {rate:.1} MB/s", time.as_secs_f64())
}

/// Prints the heap's statistics: `full` from when the index was complete, `end` from when only C held words.
pub fn heap(out: &mut impl Write, full: &Stats, end: &Stats) -> io::Result<()> {
    let micro = |nanoseconds: u64| nanoseconds as f64 / 1e3;
    writeln!(out, "\nheap")?;
    writeln!(out, "  objects     {} alive, {} published", full.live_objects, full.published_objects)?;
    writeln!(
        out,
        "  bytes       {:.1} MB alive, {:.1} MB allocated, {:.1} MB promoted, {:.1} MB committed",
        megabytes(full.live_bytes),
        megabytes(full.allocated_bytes),
        megabytes(full.promoted_bytes),
        megabytes(full.committed_bytes)
    )?;
    writeln!(out, "  minors      {}", full.minor_collections)?;
    writeln!(out, "  cycles      {}", full.cycles)?;
    writeln!(out, "  links       {} made, {} alive", full.links_made, full.links)?;
    writeln!(
        out,
        "  pauses      {}: longest {:.0} us, p99 {:.0} us, p50 {:.0} us",
        full.pauses,
        micro(full.longest_pause_ns),
        micro(full.p99_pause_ns),
        micro(full.p50_pause_ns)
    )?;
    writeln!(
        out,
        "without the index, what C holds: {} objects, {:.1} MB, {} links",
        end.live_objects,
        megabytes(end.live_bytes),
        end.links
    )
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
