//! Objects: header, type descriptions, slots.
pub mod header;
pub mod type_info;
pub use header::Object;
pub use type_info::{TypeInfo, Visit, Trace, Finalize, NO_SLOT};
