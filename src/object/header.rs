//! header (skeleton)
use crate::sync::atomic::*;
/// A heap object: an opaque header; the payload starts 8 bytes after its address.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Object { pub(crate) type_lo: AtomicU32, pub(crate) type_hi: AtomicU16, pub(crate) flags: AtomicU8, pub(crate) mark: AtomicU8 }
