//! `hf_status`: what a fallible function answers, and how the core's errors and this crate's own checks map to it.

use handfast_core::Error;
use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_int};

/// The answer of a fallible function. Values never change their meaning; new ones may be added.
#[allow(non_camel_case_types, reason = "these are the C names")]
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HfStatus {
    /// Done.
    HF_OK = 0,
    /// An argument is NULL, zero, out of range, or contradicts another one.
    HF_ERR_INVALID_ARGUMENT = 1,
    /// A field of the configuration is out of range.
    HF_ERR_INVALID_CONFIG = 2,
    /// A type description contradicts itself.
    HF_ERR_INVALID_TYPE = 3,
    /// No memory, even after a full collection. The heap stays usable.
    HF_ERR_OUT_OF_MEMORY = 4,
    /// One of the two sides is linked already. Nothing has changed.
    HF_ERR_ALREADY_LINKED = 5,
    /// This thread is attached to this heap already.
    HF_ERR_ALREADY_ATTACHED = 6,
    /// This thread is not attached.
    HF_ERR_NOT_ATTACHED = 7,
    /// The mutator is not one of the calling thread: another thread's, or detached.
    HF_ERR_WRONG_THREAD = 8,
    /// Threads are attached still. Nothing has changed.
    HF_ERR_STILL_ATTACHED = 9,
    /// The process has forked; the heap belongs to the parent.
    HF_ERR_FORKED = 10,
    /// The operating system refused.
    HF_ERR_OS = 11,
    /// The program was compiled for another version of the interface.
    HF_ERR_ABI = 12,
    /// A panic inside the library was caught at the boundary: a bug, or an inconsistency that a check found.
    HF_ERR_PANIC = 13,
    /// `hf_heap_verify` has found an invariant of the heap violated.
    HF_ERR_CORRUPT = 14,
}

impl HfStatus {
    /// Every status, in the order of its value.
    pub(crate) const ALL: [HfStatus; 15] = [
        HfStatus::HF_OK,
        HfStatus::HF_ERR_INVALID_ARGUMENT,
        HfStatus::HF_ERR_INVALID_CONFIG,
        HfStatus::HF_ERR_INVALID_TYPE,
        HfStatus::HF_ERR_OUT_OF_MEMORY,
        HfStatus::HF_ERR_ALREADY_LINKED,
        HfStatus::HF_ERR_ALREADY_ATTACHED,
        HfStatus::HF_ERR_NOT_ATTACHED,
        HfStatus::HF_ERR_WRONG_THREAD,
        HfStatus::HF_ERR_STILL_ATTACHED,
        HfStatus::HF_ERR_FORKED,
        HfStatus::HF_ERR_OS,
        HfStatus::HF_ERR_ABI,
        HfStatus::HF_ERR_PANIC,
        HfStatus::HF_ERR_CORRUPT,
    ];

    /// One English sentence without a full stop.
    pub const fn message(self) -> &'static CStr {
        match self {
            HfStatus::HF_OK => c"ok",
            HfStatus::HF_ERR_INVALID_ARGUMENT => c"invalid argument",
            HfStatus::HF_ERR_INVALID_CONFIG => c"invalid heap configuration",
            HfStatus::HF_ERR_INVALID_TYPE => c"invalid type description",
            HfStatus::HF_ERR_OUT_OF_MEMORY => c"out of memory",
            HfStatus::HF_ERR_ALREADY_LINKED => c"one of the two objects is linked already",
            HfStatus::HF_ERR_ALREADY_ATTACHED => c"this thread is attached to this heap already",
            HfStatus::HF_ERR_NOT_ATTACHED => c"this thread is not attached to this heap",
            HfStatus::HF_ERR_WRONG_THREAD => c"the mutator is not attached by the calling thread",
            HfStatus::HF_ERR_STILL_ATTACHED => c"threads are attached to this heap still",
            HfStatus::HF_ERR_FORKED => c"the process has forked: the heap belongs to the parent",
            HfStatus::HF_ERR_OS => c"the operating system refused",
            HfStatus::HF_ERR_ABI => c"compiled against an incompatible version of handfast.h",
            HfStatus::HF_ERR_PANIC => c"a panic inside the library was caught",
            HfStatus::HF_ERR_CORRUPT => c"the heap is corrupt",
        }
    }
}

/// Why a call failed: a status for the program, a cause for people.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: HfStatus,
    pub(crate) cause: Cow<'static, str>,
}

impl Failure {
    /// A failure with this status.
    pub(crate) fn new(status: HfStatus, cause: impl Into<Cow<'static, str>>) -> Failure {
        Failure { status, cause: cause.into() }
    }
    /// An unusable argument.
    #[cold]
    pub(crate) fn argument(cause: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(HfStatus::HF_ERR_INVALID_ARGUMENT, cause)
    }
    /// This argument is NULL.
    #[cold]
    #[inline(never)]
    pub(crate) fn null(name: &'static str) -> Failure {
        Failure::argument(format!("{name} is NULL"))
    }
    /// No memory for what was asked.
    #[cold]
    pub(crate) fn memory(cause: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(HfStatus::HF_ERR_OUT_OF_MEMORY, cause)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let status = match &error {
            Error::InvalidConfig { .. } => HfStatus::HF_ERR_INVALID_CONFIG,
            Error::InvalidType { .. } => HfStatus::HF_ERR_INVALID_TYPE,
            Error::InvalidArgument { .. } | Error::Closed => HfStatus::HF_ERR_INVALID_ARGUMENT,
            Error::OutOfMemory { .. } => HfStatus::HF_ERR_OUT_OF_MEMORY,
            Error::AlreadyLinked => HfStatus::HF_ERR_ALREADY_LINKED,
            Error::AlreadyAttached => HfStatus::HF_ERR_ALREADY_ATTACHED,
            Error::NotAttached => HfStatus::HF_ERR_NOT_ATTACHED,
            Error::WrongThread => HfStatus::HF_ERR_WRONG_THREAD,
            Error::StillAttached { .. } => HfStatus::HF_ERR_STILL_ATTACHED,
            Error::Forked => HfStatus::HF_ERR_FORKED,
            Error::Os { .. } => HfStatus::HF_ERR_OS,
            Error::Corrupt(_) => HfStatus::HF_ERR_CORRUPT,
            // A kind of error that the core has got since and that has no status yet.
            _ => HfStatus::HF_ERR_INVALID_ARGUMENT,
        };
        let cause = match error {
            // The boundary names the function.
            Error::InvalidArgument { reason, .. } => Cow::Borrowed(reason),
            error => Cow::Owned(error.to_string()),
        };
        Failure::new(status, cause)
    }
}

/// What a status means, in English. The text is static; any value is allowed. Thread: any. Collects: no.
#[unsafe(no_mangle)]
pub extern "C" fn hf_status_message(status: c_int) -> *const c_char {
    usize::try_from(status)
        .ok()
        .and_then(|value| HfStatus::ALL.get(value))
        .map_or(c"unknown status", |known| known.message())
        .as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_own_message_and_its_place_in_the_table() {
        for (value, status) in HfStatus::ALL.iter().enumerate() {
            assert_eq!(*status as usize, value);
            for other in &HfStatus::ALL[..value] {
                assert_ne!(status.message(), other.message());
            }
        }
    }

    #[test]
    fn an_unknown_status_has_a_message_too() {
        for value in [-1, HfStatus::ALL.len() as c_int, c_int::MIN, c_int::MAX] {
            // SAFETY: the function answers static NUL-terminated strings only.
            let text = unsafe { CStr::from_ptr(hf_status_message(value)) };
            assert_eq!(text, c"unknown status");
        }
    }
}
