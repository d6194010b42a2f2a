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
    #[path = "../../src/mutator/cells.rs"]
    pub mod cells;
    #[path = "../../src/mutator/handshake.rs"]
    pub mod handshake;
    #[path = "../../src/mutator/registry.rs"]
    pub mod registry;
}

/// Pools.
#[path = "."]
pub mod heap {
    #[path = "../../src/heap/pool.rs"]
    pub mod pool;
}

/// The global cycle.
#[path = "."]
pub mod collector {
    #[path = "../../src/collector/gate.rs"]
    pub mod gate;
}

/// The C side of a pair.
#[path = "."]
pub mod handle {
    #[path = "../../src/handle/refcount.rs"]
    pub mod refcount;
}

/// Preemptions per execution. Bugs of small protocols show with two (CHESS: Musuvathi and Qadeer, PLDI 2007); three leave
/// some room.
const PREEMPTIONS: usize = 3;

/// Tries every execution of `scenario`, and prints how many there were.
///
/// # Panics
/// When one fails.
pub fn check(scenario: impl Fn() + Sync + Send + 'static) {
    check_bounded(PREEMPTIONS, scenario);
}

/// As [`check`], with fewer preemptions, for a scenario that would take minutes. `LOOM_MAX_PREEMPTIONS` overrides both.
///
/// # Panics
/// When an execution fails.
pub fn check_bounded(preemptions: usize, scenario: impl Fn() + Sync + Send + 'static) {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    let executions = std::sync::Arc::new(AtomicUsize::new(0));
    let start = std::time::Instant::now();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    let count = executions.clone();
    builder.check(move || {
        count.fetch_add(1, Relaxed);
        scenario();
    });
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    println!("claim {name}: {} executions, {:.2?}", executions.load(Relaxed), start.elapsed());
}
