//! Errors.
use std::fmt;
/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A field of the configuration is out of range.
    InvalidConfig { field: &'static str, reason: String },
    /// A type description contradicts itself.
    InvalidType { name: String, reason: String },
    /// An argument is unusable.
    InvalidArgument { function: &'static str, reason: &'static str },
    /// No memory, even after a full cycle.
    OutOfMemory { requested: usize, limit: usize },
    /// One of the two sides is linked already.
    AlreadyLinked,
    /// This thread is attached to this heap already.
    AlreadyAttached,
    /// This thread is not attached.
    NotAttached,
    /// Called by another thread than the one that attached.
    WrongThread,
    /// Mutators are attached still.
    StillAttached { mutators: usize },
    /// The process has forked; the heap belongs to the parent.
    Forked,
    /// The operating system refused.
    Os { what: &'static str, code: i32 },
}
impl fmt::Display for Error { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{self:?}") } }
impl std::error::Error for Error {}
