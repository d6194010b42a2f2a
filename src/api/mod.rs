//! api (skeleton)
pub mod config; pub mod error; pub mod raw; pub mod stats;
pub mod array;
pub mod data;
pub mod field;
pub mod finalize;
pub mod global;
pub mod heap;
pub mod local;
pub mod mutator;
pub mod pin;
pub mod plain;
pub mod pyref;
pub mod reference;
pub mod scope;
pub mod trace;
pub mod var;
pub mod weak;
