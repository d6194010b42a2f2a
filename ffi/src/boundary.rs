//! The boundary itself: no panic crosses it, and the last failure of a thread can be asked for in words.
//!
//! Every `hf_*` function that does more than arithmetic runs its body in [`status`], [`value`] or [`nothing`]. The body
//! answers a `Result`; a failure or a caught panic is written to a thread-local string, *function: cause*, and turned
//! into the function's way of saying no: a status, NULL, 0, or doing nothing. Unwinding stops here, so a panic leaves
//! the core in the state that its own guards restored; it is reported as `HF_ERR_PANIC`, never swallowed silently: the
//! panic hook has printed it already.

use crate::status::{Failure, HfStatus};
use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// The last failure on this thread; `None` before the first.
    static LAST_ERROR: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// Writes the text that `hf_last_error` answers. Does nothing while the thread's locals are being torn down.
#[cold]
#[inline(never)]
fn remember(function: &'static str, cause: &str) {
    let text: Vec<u8> = format!("{function}: {cause}").bytes().filter(|byte| *byte != 0).collect();
    let text = CString::new(text).ok();
    let _ = LAST_ERROR.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = text;
        }
    });
}

/// What a panic said.
fn panic_text(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "panic without a message"
    }
}

/// What a function answers after a failure: it is remembered first.
#[cold]
#[inline(never)]
fn failed(function: &'static str, failure: Failure) -> HfStatus {
    remember(function, &failure.cause);
    failure.status
}

/// The same after a panic.
#[cold]
#[inline(never)]
fn panicked(function: &'static str, payload: Box<dyn Any + Send>) -> HfStatus {
    remember(function, &format!("panic: {}", panic_text(&*payload)));
    // Dropping a payload may panic again: that would leave this frame.
    std::mem::forget(payload);
    HfStatus::HF_ERR_PANIC
}

/// Runs a body; a failure or a panic is remembered under the function's name and answered as its status.
#[inline(always)]
fn run<R>(function: &'static str, body: impl FnOnce() -> Result<R, Failure>) -> Result<R, HfStatus> {
    let _entered = crate::checks::enter(function);
    // What a body captures are C values and raw pointers: nothing that a caller could find half changed afterwards.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(failure)) => Err(failed(function, failure)),
        Err(payload) => Err(panicked(function, payload)),
    }
}

/// The body of a function that answers a status.
#[inline(always)]
pub(crate) fn status(function: &'static str, body: impl FnOnce() -> Result<(), Failure>) -> HfStatus {
    match run(function, body) {
        Ok(()) => HfStatus::HF_OK,
        Err(status) => status,
    }
}

/// The body of a function that answers a value, and `otherwise` when it cannot.
#[inline(always)]
pub(crate) fn value<R>(function: &'static str, otherwise: R, body: impl FnOnce() -> Result<R, Failure>) -> R {
    run(function, body).unwrap_or(otherwise)
}

/// The body of a function that answers nothing.
#[inline(always)]
pub(crate) fn nothing(function: &'static str, body: impl FnOnce() -> Result<(), Failure>) {
    let _ = run(function, body);
}

/// Misuse that a checked build stops at: says what and where, then aborts. In other builds it is an ordinary failure.
#[cold]
#[inline(never)]
pub(crate) fn misuse(function: &'static str, failure: Failure) -> Failure {
    if cfg!(feature = "debug") {
        eprintln!("handfast: {function}: {}", failure.cause);
        std::process::abort();
    }
    failure
}

/// The last failure on this thread, as `function: cause`; an empty string when there was none. It explains a status, a
/// NULL, or a call that did nothing; calls that succeed leave it as it is.
/// The text is the library's and valid until the next call of this thread that fails. Thread: any. Collects: no.
#[unsafe(no_mangle)]
pub extern "C" fn hf_last_error() -> *const c_char {
    LAST_ERROR
        .try_with(|last| match last.try_borrow() {
            Ok(last) => last.as_ref().map_or(c"".as_ptr(), |text| text.as_ptr()),
            Err(_) => c"".as_ptr(),
        })
        .unwrap_or(c"".as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn last_error() -> String {
        // SAFETY: the text lives until the next failure of this thread, and it is copied at once.
        unsafe { CStr::from_ptr(hf_last_error()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_becomes_a_status_and_names_its_function() {
        let answer = status("hf_test", || panic!("the reason {}", 7));
        assert_eq!(answer, HfStatus::HF_ERR_PANIC);
        assert_eq!(last_error(), "hf_test: panic: the reason 7");
    }

    #[test]
    fn a_panic_becomes_the_other_value() {
        assert_eq!(value("hf_test", 5, || panic!("no")), 5);
        nothing("hf_test", || std::panic::panic_any(3));
        assert_eq!(last_error(), "hf_test: panic: panic without a message");
    }

    #[test]
    fn a_payload_that_panics_when_dropped_does_not_cross() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        assert_eq!(status("hf_test", || std::panic::panic_any(Bomb)), HfStatus::HF_ERR_PANIC);
    }

    #[test]
    fn a_failure_keeps_its_status_and_success_keeps_the_last_error() {
        let answer = status("hf_test", || Err(Failure::null("out\0")));
        assert_eq!(answer, HfStatus::HF_ERR_INVALID_ARGUMENT);
        assert_eq!(last_error(), "hf_test: out is NULL");
        assert_eq!(value("hf_other", 0, || Ok(1)), 1);
        assert_eq!(last_error(), "hf_test: out is NULL");
    }
}
