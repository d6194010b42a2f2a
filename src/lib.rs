//! handfast (skeleton)
#![cfg(all(target_pointer_width = "64", target_endian = "little"))]
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
pub mod sync;
pub mod object;
mod heap;
mod mutator;
mod collector;
pub mod handle;
pub mod api;
pub use api::raw;
pub use api::config::Config;
pub use api::error::Error;
pub use api::array::Array;
pub use api::data::Data;
pub use api::field::{Field, HandleSlot};
pub use api::finalize::Finalize;
pub use api::global::Global;
pub use api::heap::Heap;
pub use api::local::{Local, Ref};
pub use api::mutator::Mutator;
pub use api::pin::Pinned;
pub use api::pyref::PyRef;
pub use api::reference::{Reference, Value};
pub use api::scope::Scope;
pub use api::stats::Stats;
pub use api::trace::{Managed, Plain, RefMap, Trace};
pub use api::var::Var;
pub use api::weak::Weak;
pub use handfast_derive::Trace;
pub use handle::{LeakReport, LinkFlags};
