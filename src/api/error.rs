//! Errors.

use crate::collector::verify::Violation;
use std::fmt;

/// Why an operation failed. Nothing has changed when one is returned.
///
/// ```
/// use handfast::{Config, Error, Heap};
/// let error = Heap::new(Config { gc_threads: 1000, ..Config::default() }).unwrap_err();
/// assert!(matches!(error, Error::InvalidConfig { field: "gc_threads", .. }));
/// assert_eq!(error.to_string(), "config: gc_threads: 1000 is more than 64");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A field of the configuration is out of range.
    InvalidConfig {
        /// Which.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A type description contradicts itself.
    InvalidType {
        /// The type's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// An argument is unusable.
    InvalidArgument {
        /// The function.
        function: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// No memory, even after a full collection. The heap is intact.
    OutOfMemory {
        /// Bytes asked for.
        requested: usize,
        /// The most bytes that objects may occupy.
        limit: usize,
    },
    /// One of the two is linked already.
    AlreadyLinked,
    /// This thread is attached to this heap already.
    AlreadyAttached,
    /// This thread is not attached.
    NotAttached,
    /// Called by another thread than the one that attached.
    WrongThread,
    /// Mutators are attached still.
    StillAttached {
        /// How many.
        mutators: usize,
    },
    /// The process is the child of a fork; the heap belongs to the parent.
    Forked,
    /// The heap has been closed.
    Closed,
    /// A check has found the heap corrupt.
    Corrupt(Box<Violation>),
    /// The operating system refused.
    Os {
        /// What was tried.
        what: &'static str,
        /// Its error number.
        code: i32,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::InvalidConfig { field, reason } => write!(f, "config: {field}: {reason}"),
            Error::InvalidType { name, reason } => write!(f, "type {name:?}: {reason}"),
            Error::InvalidArgument { function, reason } => write!(f, "{function}: {reason}"),
            Error::OutOfMemory { requested, limit } => {
                write!(f, "out of memory: {requested} bytes asked for, at most {limit} may be in use")
            }
            Error::AlreadyLinked => f.write_str("one of the two objects is linked already"),
            Error::AlreadyAttached => f.write_str("the thread is attached to this heap already"),
            Error::NotAttached => f.write_str("the thread is not attached to this heap"),
            Error::WrongThread => f.write_str("called by another thread than the one that attached"),
            Error::StillAttached { mutators } => write!(f, "{mutators} mutators are attached still"),
            Error::Forked => f.write_str("the process is the child of a fork: the heap belongs to the parent"),
            Error::Closed => f.write_str("the heap has been closed"),
            Error::Corrupt(violation) => write!(f, "the heap is corrupt: {violation}"),
            Error::Os { what, code } => {
                write!(f, "{what}: {}", std::io::Error::from_raw_os_error(*code))
            }
        }
    }
}

impl std::error::Error for Error {}
