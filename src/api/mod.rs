//! api (skeleton)
pub mod config; pub mod error; pub mod raw; pub mod stats;
