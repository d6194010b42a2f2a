//! W2, W3 and W5 on what Rust programs use. Every thread has a heap of its own.
//!
//! usage: `handfast-peer-rustgc {box | rc | gc-arena | dumpster} {w2 OBJECTS | w3 DEPTH | w5 SLOTS TURNS} THREADS`. With the
//! feature `mimalloc`, `box` and `rc` use that.

mod arena;
#[path = "../../gaps.rs"]
mod gaps;
mod owned;

use gaps::{cpu, Gaps};
use std::time::Instant;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a thread does: the numbers of the command line, the second divided by the threads, and the first too for W5.
#[derive(Clone, Copy)]
pub struct Work {
    a: u64,
    turns: u64,
}

/// What a thread did.
pub struct Done {
    ops: u64,
    /// What was read from replaced objects.
    sum: u64,
    /// Of the replacements alone.
    seconds: Option<(f64, f64)>,
    gaps: Gaps,
}

impl Done {
    fn plain(ops: u64) -> Done {
        Done { ops, sum: 0, seconds: None, gaps: Gaps::new() }
    }
}

/// Times replacements, and the gap at each sixteenth.
pub struct Ticks {
    start: Instant,
    before: f64,
    last: u64,
    gaps: Gaps,
}

impl Ticks {
    fn new() -> Ticks {
        Ticks { before: cpu(), start: Instant::now(), last: 0, gaps: Gaps::new() }
    }

    #[inline(always)]
    fn tick(&mut self) {
        let now = self.start.elapsed().as_nanos() as u64;
        self.gaps.add(now - self.last);
        self.last = now;
    }

    fn done(self, ops: u64, sum: u64) -> Done {
        Done { ops, sum, seconds: Some((self.start.elapsed().as_secs_f64(), cpu() - self.before)), gaps: self.gaps }
    }
}

fn run(system: &str, workload: &str, work: Work) -> Done {
    let (w2, w3, w5): (fn(u64) -> u64, fn(u64) -> u64, fn(Work) -> Done) = match system {
        "box" => (owned::with_box::w2, owned::with_box::w3, owned::with_box::w5),
        "rc" => (owned::with_rc::w2, owned::with_rc::w3, owned::with_rc::w5),
        "dumpster" => (owned::with_dumpster::w2, owned::with_dumpster::w3, owned::with_dumpster::w5),
        "gc-arena" => (arena::w2, arena::w3, arena::w5),
        _ => panic!("unknown system {system}"),
    };
    match workload {
        "w2" => Done::plain(w2(work.a)),
        "w3" => Done::plain(w3(work.a)),
        "w5" => w5(work),
        _ => panic!("unknown workload {workload}"),
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [system, workload, numbers @ .., threads] = &words[..] else { panic!("see the top of main.rs") };
    let number = |at: usize| numbers.get(at).map_or(0, |word| word.parse::<u64>().expect("a number"));
    let threads: u64 = threads.parse().expect("a number");
    let table = workload == "w5";
    let work = Work { a: if table { number(0) / threads } else { number(0) }, turns: number(1) / threads };
    let (start, before) = (Instant::now(), cpu());
    let running: Vec<_> = (0..threads)
        .map(|_| {
            let (system, workload) = (system.clone(), workload.clone());
            let thread = std::thread::Builder::new().stack_size(64 << 20);
            thread.spawn(move || run(&system, &workload, work)).expect("a thread")
        })
        .collect();
    let (mut ops, mut sum, mut gaps, mut seconds) = (0, 0, Gaps::new(), (0f64, 0f64));
    for thread in running {
        let done = thread.join().expect("a thread");
        ops += done.ops;
        sum += done.sum;
        gaps.merge(&done.gaps);
        if let Some((wall, cpu)) = done.seconds {
            seconds = (seconds.0.max(wall), seconds.1.max(cpu));
        }
    }
    let (wall, cpu) = if table { seconds } else { (start.elapsed().as_secs_f64(), cpu() - before) };
    let words = if table { gaps.words("gap") } else { String::new() };
    println!("figure={:.5} wall={wall:.6} cpu={cpu:.6} ops={ops} sum={sum}{words}", wall * 1e9 / ops as f64);
    // What is left need not be freed.
    std::process::exit(0)
}
