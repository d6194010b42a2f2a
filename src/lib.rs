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
