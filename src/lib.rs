//! A concurrent generational garbage collector for language runtimes, whose objects C code can hold by stable
//! `PyObject *` addresses.
//!
//! A fast runtime wants a *moving*, generational collector: allocate by bumping a pointer, copy the few survivors, forget
//! the rest. C extensions want an address that never changes and a reference count they may touch at will. handfast joins
//! the two: an object that C sees exists twice, as an object on the heap, which may move, and as a [`PyObject`], which may
//! not, and the collector frees both or none.
//!
//! - Each thread has a nursery of its own and collects it alone; survivors go to a shared old generation, which is marked
//!   and swept while all threads run. No moment stops them all.
//! - Any thread may hold a `PyObject` and count it up and down; the links are scanned as roots.
//!
//! ```
//! use handfast::{Config, Field, Heap, Trace};
//!
//! #[derive(Trace)]
//! struct Node {
//!     value: u64,
//!     next: Field<Node>,
//! }
//!
//! let heap = Heap::new(Config::default())?;
//! let mut mutator = heap.attach()?;
//! let sum = mutator.scope(|s| {
//!     let list = s.var::<Node>();
//!     for value in 0..1000 {
//!         let node = s.alloc(Node { value, next: Field::null() })?;
//!         if let Some(rest) = list.get(s) {
//!             s.set(node, |n| &n.next, rest);
//!         }
//!         list.set(s, node);
//!     }
//!     s.collect_full();
//!     let (mut sum, mut at) = (0, list.get(s));
//!     while let Some(node) = at {
//!         sum += node.value;
//!         at = s.get(node, |n| &n.next);
//!     }
//!     Ok::<u64, handfast::Error>(sum)
//! })?;
//! assert_eq!(sum, 499_500);
//! # Ok::<(), handfast::Error>(())
//! ```
//!
//! The typed layer is safe: a program without `unsafe` cannot touch a freed object. Authors of runtimes use [`raw`]; C
//! code uses `handfast.h`. Layers, from the bottom: `sync`, `object`, `heap`, `mutator`, `collector`, `handle`, `api`;
//! imports point down only.

#[cfg(not(all(target_pointer_width = "64", target_endian = "little", target_os = "linux")))]
compile_error!("handfast supports 64-bit little-endian Linux only");

/// An event for the `tracing` feature; nothing without it.
macro_rules! trace_event {
    ($name:literal $(, $key:ident = $value:expr)*) => {{
        #[cfg(feature = "tracing")]
        tracing::debug!(target: "handfast", $($key = $value,)* $name);
        #[cfg(not(feature = "tracing"))]
        { $(let _ = &$value;)* }
    }};
}
pub(crate) use trace_event;

mod api;
mod collector;
mod handle;
mod heap;
mod mutator;
mod object;
mod sync;

pub use api::array::Array;
pub use api::config::Config;
pub use api::data::Data;
pub use api::error::Error;
pub use api::field::{Field, HandleSlot};
pub use api::finalize::Finalize;
pub use api::fresh::Fresh;
pub use api::global::Global;
pub use api::heap::Heap;
pub use api::local::{Local, Ref};
pub use api::mutator::Mutator;
pub use api::pin::Pinned;
pub use api::pyref::PyRef;
pub use api::raw;
pub use api::reference::{Reference, Value};
pub use api::scope::Scope;
pub use api::stats::Stats;
pub use api::trace::{Managed, Plain, RefMap, Trace};
pub use api::var::Var;
pub use api::walk::Walked;
pub use api::weak::Weak;
pub use collector::verify::{Invariant, Verified, Violation};
pub use handfast_derive::Trace;
pub use handle::{LeakReport, LinkFlags, PyObject};
pub use mutator::inspect::Moment;

/// The programs of README.md, compiled and run with the documentation's own.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// For the code that `derive(Trace)` writes; no part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::api::finalize::FinalizeFn;
}
