//! handfast (skeleton)
#![cfg(all(target_pointer_width = "64", target_endian = "little"))]
pub mod sync;
pub mod object;
pub mod handle;
pub mod api;
pub use api::raw;
pub use api::config::Config;
pub use api::error::Error;
