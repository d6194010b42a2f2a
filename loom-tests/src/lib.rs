//! Model checks of handfast's protocols, compiled from the crate's own sources.
//!
//! The modules below are the very files that the collector runs on, compiled here with `--cfg loom`, so that
//! `crate::sync` is loom's atomics: every interleaving (within the preemption bound) and every value that a relaxed load
//! may see is tried. Each file in `tests/` is one protocol; a test's name is the claim. Beside each claim stands at least
//! one *weakened twin*: the same scenario with one ordering, fence or step taken away, which has to fail. So every model
//! is known to be able to find its bug.
//!
//! Without `--cfg loom` this crate is empty. How to run it, and what was measured: `README.md`.
#![cfg(loom)]

pub mod sync;

/// Records, handshakes, cells.
#[path = "."]
pub mod mutator {
    #[path = "../../src/mutator/ask.rs"]
    pub mod ask;
    #[path = "../../src/mutator/bell.rs"]
    pub mod bell;
    #[path = "../../src/mutator/cells.rs"]
    pub mod cells;
    #[path = "../../src/mutator/gate.rs"]
    pub mod gate;
    #[path = "../../src/mutator/handshake.rs"]
    pub mod handshake;
    #[path = "../../src/mutator/publish_wait.rs"]
    pub mod publish_wait;
    #[path = "../../src/mutator/registry.rs"]
    pub mod registry;
    #[path = "../../src/mutator/request.rs"]
    pub mod request;
}

/// Numbers of cycles, flags, words that hold references.
#[path = "."]
pub mod object {
    #[path = "../../src/object/epoch.rs"]
    pub mod epoch;
    #[path = "../../src/object/flags.rs"]
    pub mod flags;
    #[path = "../../src/object/reference.rs"]
    pub mod reference;
}

/// Blocks: what they are used for, pools, turns of a sweep.
#[path = "."]
pub mod heap {
    #[path = "../../src/heap/kind.rs"]
    pub mod kind;
    #[path = "../../src/heap/line_word.rs"]
    pub mod line_word;
    #[path = "../../src/heap/pool.rs"]
    pub mod pool;
    #[path = "../../src/heap/sweep.rs"]
    pub mod sweep;
}

/// Markers.
#[path = "."]
pub mod collector {
    #[path = "../../src/collector/crew.rs"]
    pub mod crew;
}

/// The C side of a pair.
#[path = "."]
pub mod handle {
    #[path = "../../src/handle/link_word.rs"]
    pub mod link_word;
    #[path = "../../src/handle/refcount.rs"]
    pub mod refcount;
    #[path = "../../src/handle/slot_word.rs"]
    pub mod slot_word;
}

/// Memory without any ordering of its own, shared freely: loom panics ("Causality violation") when two accesses, one of
/// them a write, are not ordered by the protocol around them. That is how the models find races.
#[derive(Debug)]
pub struct Plain<T>(loom::cell::UnsafeCell<T>);

// SAFETY: every access goes through loom's cell, which stops an execution in which two are concurrent. Within one access
// only copies are handed out.
unsafe impl<T: Send> Send for Plain<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Plain<T> {}

impl<T: Copy> Plain<T> {
    /// New memory. To read it is free; a *write* is what others must be ordered after.
    pub fn new(value: T) -> Self {
        Plain(loom::cell::UnsafeCell::new(value))
    }

    /// Reads.
    ///
    /// # Panics
    /// When a write is concurrent.
    #[track_caller]
    pub fn get(&self) -> T {
        // SAFETY: loom has checked that no write is concurrent.
        self.0.with(|p| unsafe { *p })
    }

    /// Writes.
    ///
    /// # Panics
    /// When another access is concurrent.
    #[track_caller]
    pub fn set(&self, value: T) {
        // SAFETY: loom has checked that no access is concurrent.
        self.0.with_mut(|p| unsafe { *p = value });
    }
}

impl Plain<u32> {
    /// Counts one, and answers how many that makes. Reads and writes in one access.
    ///
    /// # Panics
    /// When another access is concurrent.
    #[track_caller]
    pub fn touch(&self) -> u32 {
        self.set(self.get() + 1);
        self.get()
    }
}

/// A reference to object number `i`, for words that are never followed as pointers.
pub fn object(i: usize) -> *mut () {
    std::ptr::without_provenance_mut((i + 1) * 8)
}

/// The number of an object, `None` of null.
pub fn number(object: *mut ()) -> Option<usize> {
    (object.addr() / 8).checked_sub(1)
}

/// Preemptions per execution. Bugs of small protocols show with two (CHESS: Musuvathi and Qadeer, PLDI 2007); three leave
/// some room.
const PREEMPTIONS: usize = 3;

/// Tries every execution of `scenario` with at most three preemptions, and prints how many there were.
///
/// # Panics
/// When one fails.
pub fn check(scenario: impl Fn() + Sync + Send + 'static) {
    explore(Some(PREEMPTIONS), scenario);
}

/// As [`check`], without a bound: for a scenario of which all executions take less than a minute.
///
/// # Panics
/// When one fails.
pub fn check_all(scenario: impl Fn() + Sync + Send + 'static) {
    explore(None, scenario);
}

/// As [`check`], with fewer preemptions, for a scenario that would take minutes.
///
/// # Panics
/// When an execution fails.
pub fn check_bounded(preemptions: usize, scenario: impl Fn() + Sync + Send + 'static) {
    explore(Some(preemptions), scenario);
}

/// `LOOM_MAX_PREEMPTIONS` overrides the bound, `LOOM_UNBOUNDED` (set to anything) takes it away.
fn explore(preemptions: Option<usize>, scenario: impl Fn() + Sync + Send + 'static) {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    let executions = std::sync::Arc::new(AtomicUsize::new(0));
    let start = std::time::Instant::now();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    if std::env::var_os("LOOM_UNBOUNDED").is_some() {
        builder.preemption_bound = None;
    }
    let bound = builder.preemption_bound;
    let count = executions.clone();
    builder.check(move || {
        count.fetch_add(1, Relaxed);
        scenario();
    });
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    let bound = bound.map_or("all".to_owned(), |n| n.to_string());
    println!("claim {name}: {} executions, {:.1?}, preemptions: {bound}", executions.load(Relaxed), start.elapsed());
}
