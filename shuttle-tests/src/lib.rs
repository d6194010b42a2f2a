//! The whole of handfast under shuttle: cycles over tiny heaps with three or four threads, in random schedules.
//!
//! Loom tries every interleaving of one protocol; the collector as a whole is out of its reach. Here the very sources of the
//! crate run on coroutines (`--cfg shuttle`, see `src/sync/shuttle.rs`), and a scheduler decides at each atomic operation
//! which of them goes on: see [`explorer`]. Each file in `tests/` is one scenario, with a reference outcome and a run of
//! the heap's verifier at its end. How to run and replay, and what was found: `README.md`.
//!
//! Without `--cfg shuttle` this crate is empty.
#![cfg(shuttle)]

pub mod explorer;
pub mod world;

pub use explorer::explore;
pub use shuttle::thread;
