//! Replays recorded calls of a C extension through CPython's C-API, whoever implements it.
//!
//! `cpyext/record` runs an extension's own test suite on CPython and writes down each operation on the module with its
//! arguments and result; this crate does the same operations again, against the functions of [`api`] that the program
//! is linked with, and compares: values bit by bit, exact types, exceptions by type, text and arguments, identity of
//! objects, changed arguments. Replayed against CPython itself (`selfcheck`), every call must be equal: that checks
//! recorder and replayer. Replayed against another implementation, each difference is that implementation's.
//!
//! - [`recording`], [`value`]: what a line says
//! - [`tables`]: the objects of a replay; values to objects and back
//! - [`operation`]: the operations through the C-API
//! - [`callback`]: stand-ins for Python functions
//! - [`driver`]: programs for what recordings cannot say
//! - [`Replayer`], [`Host`]: all events in order
//! - [`Report`]: the counts
//!
//! Limits: one module at a time; no subclasses made by the suite; large ints are compared with the help of the
//! implementation's own `==`.

pub mod api;
pub mod callback;
pub mod driver;
mod kin;
pub mod operation;
pub mod owned;
pub mod recording;
mod replayer;
mod report;
mod sequence;
pub mod tables;
pub mod value;

pub use replayer::{Host, Replayer};
pub use report::{Difference, Report};
