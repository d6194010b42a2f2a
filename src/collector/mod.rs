//! The collector of the old generation: drives all mutators through a cycle, marks, sweeps.

pub mod crew;
pub mod cycle;
pub mod driver;
pub mod mark;
pub mod pacing;
pub mod verify;

pub use cycle::{Collector, RootSource};
pub use driver::Driver;
