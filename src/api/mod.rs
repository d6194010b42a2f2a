//! The interface: the raw layer, and the safe typed layer on top of it.
//!
//! | file | what |
//! |---|---|
//! | `config`, `error`, `stats` | what a heap is made with, what can go wrong, what it counts |
//! | `raw` | the heap for runtime authors and the C interface |
//! | `heap`, `mutator`, `scope`, `fresh` | the heap, an attached thread, a scope of roots, an object that is being made |
//! | `trace`, `plain`, `field`, `array`, `data`, `finalize` | what objects are made of |
//! | `local`, `var`, `reference`, `global`, `weak`, `pin`, `pyref` | ways to hold them |
//! | `crossing` | from objects to their `PyObject`s and back |
//! | `identity` | which object it is, and where it stands |
//! | `walk` | looking at all of them |

pub mod array;
pub mod config;
pub mod crossing;
pub mod data;
pub mod error;
pub mod field;
pub mod finalize;
pub mod fresh;
pub mod global;
pub mod heap;
pub mod identity;
pub mod local;
pub mod mutator;
mod open;
pub mod pin;
pub mod plain;
pub mod pyref;
pub mod raw;
pub mod reference;
pub mod scope;
pub mod stats;
pub mod trace;
pub mod var;
pub mod walk;
pub mod weak;
