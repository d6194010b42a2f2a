//! W5 without a limit and with the default pacing: resident memory at the peak over what lives, and what it consists of.
//!
//! | part | what |
//! |---|---|
//! | lives | the table and its objects |
//! | dead | objects that died since the last finished cycle took its snapshot, and are in nobody's hole yet |
//! | gaps | what old blocks hold beside objects: lines that one live object keeps, holes that nothing was put into |
//! | nursery | what is allocated from one minor collection to the next |
//! | free | blocks in nobody's use that the operating system has not got back |
//! | rest | tables beside the blocks, the program, the collector's lists |

use crate::outcome::Outcome;
use crate::own::Own;
use crate::row::timed;
use crate::table::{filled, replace};
use crate::workload::Scale;
use handfast::raw::{Heap, Mutator};
use handfast::{Config, Stats};

/// The system.
pub fn own() -> Vec<Own> {
    vec![Own::handfast("memory", "handfast raw", "", |scale: Scale| {
        let (slots, turns) = scale.table();
        peak_of_live(slots, turns)
    })]
}

/// Ticks (of sixteen replacements) from one look to the next.
const LOOK: u32 = 512;

/// What is followed from look to look.
struct Watch<'a> {
    heap: &'a Heap,
    m: Mutator,
    lives: u64,
    ticks: u32,
    before: Stats,
    in_cycle: bool,
    /// Promoted bytes at the snapshots of the last finished cycle and of the one that runs.
    finished: u64,
    running: u64,
    nursery: u64,
    most: u64,
    parts: Vec<(&'static str, f64)>,
}

impl Watch<'_> {
    fn tick(&mut self) {
        self.ticks += 1;
        // SAFETY: [X1] this thread's mutator.
        let in_cycle = unsafe { self.m.phase() } == "scanned";
        if in_cycle && !self.in_cycle {
            self.running = self.heap.stats().promoted_bytes;
        }
        self.in_cycle = in_cycle;
        if self.ticks.is_multiple_of(LOOK) {
            self.look();
        }
    }

    fn look(&mut self) {
        let stats = self.heap.stats();
        if stats.cycles > self.before.cycles {
            self.finished = self.running;
        }
        let minors = stats.minor_collections - self.before.minor_collections;
        if let Some(bytes) = (stats.allocated_bytes - self.before.allocated_bytes).checked_div(minors) {
            self.nursery = bytes;
            self.before = stats.clone();
        }
        self.before.cycles = stats.cycles;
        let resident = resident();
        if resident <= self.most {
            return;
        }
        self.most = resident;
        // What the last cycle found, and what came since: those are the objects in old blocks and in large ones.
        let objects = stats.live_bytes + stats.promoted_bytes - self.finished;
        let part = |more: u64, less: u64| more.saturating_sub(less) as f64 / f64::from(1 << 20);
        self.parts = vec![
            ("at_peak_lives", part(self.lives, 0)),
            ("at_peak_dead", part(objects, self.lives)),
            ("at_peak_gaps", part(stats.used_bytes, objects.max(self.lives) + self.nursery)),
            ("at_peak_nursery", part(self.nursery, 0)),
            ("at_peak_free", part(stats.committed_bytes, stats.used_bytes)),
            ("at_peak_rest", part(resident, stats.committed_bytes)),
            ("at_peak_cycles", stats.cycles as f64),
        ];
    }
}

/// Bytes that the process has in memory now.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * rustix::param::page_size() as u64
}

fn peak_of_live(slots: usize, turns: u64) -> Outcome {
    let heap = Heap::new(&crate::settings::adjusted(Config::default())).expect("heap");
    let m = heap.attach().expect("attach");
    let lives = (slots * (112 + 8)) as u64;
    let mut watch = Watch {
        heap: &heap,
        m,
        lives,
        ticks: 0,
        before: Stats::default(),
        in_cycle: false,
        finished: 0,
        running: 0,
        nursery: 0,
        most: 0,
        parts: vec![],
    };
    // SAFETY: [X1] this thread's mutator; the table is rooted.
    let sample = unsafe {
        let table = filled(m, slots);
        let sample = timed(|| replace(m, table, slots, turns, || watch.tick()));
        m.detach();
        sample
    };
    let (figure, parts) = (watch.most as f64 / lives as f64, watch.parts);
    Outcome::new(sample, turns).figure(figure).stats(heap.stats()).more(parts)
}
