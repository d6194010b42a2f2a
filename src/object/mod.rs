//! Objects: header, type descriptions, slots. The lowest layer above `sync`; knows nothing of the heap.

pub mod epoch;
pub mod flags;
pub mod header;
pub mod reference;
pub mod slot;
pub mod type_info;

pub use header::Object;
pub use slot::Slot;
pub use type_info::{Finalize, MAX_PAYLOAD, NO_SLOT, Trace, TypeInfo, Visit};
