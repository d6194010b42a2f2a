//! Builds without the `debug` feature: nothing is checked beyond what the values themselves say, and which scopes are
//! open: a number that is none would cut off roots that somebody uses. See `checks.rs`.

use crate::ctypes::size_t;
use handfast_core::raw::{GlobalCell, LeakReport, Mutator, Object, PyObject, WeakCell};
use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::NonNull;

thread_local! {
    /// The thread's open scopes: whose, and the height of the root stack below. While a thread ends they may be gone: then
    /// nothing is checked.
    static SCOPES: RefCell<Vec<(Mutator, size_t)>> = const { RefCell::new(Vec::new()) };
}

/// A call of an exported function.
pub(crate) struct Entered;

#[inline(always)]
pub(crate) fn enter(_: &'static str) -> Entered {
    Entered
}

#[inline(always)]
pub(crate) fn is_known(_: Mutator) -> bool {
    true
}

#[inline(always)]
pub(crate) fn uses(_: Mutator) {}

#[inline(always)]
pub(crate) fn heap_made(_: *const c_void) {}

#[inline(always)]
pub(crate) fn heap_freed(_: *const c_void) {}

#[inline(always)]
pub(crate) fn heap(_: *const c_void) {}

#[inline(always)]
pub(crate) fn pyobject(_: *mut PyObject) {}

#[inline(always)]
pub(crate) fn object(_: &'static str, _: *mut Object) {}

#[inline(always)]
pub(crate) fn global(_: Mutator, _: NonNull<GlobalCell>) {}

#[inline(always)]
pub(crate) fn weak(_: Mutator, _: NonNull<WeakCell>) {}

#[inline(always)]
pub(crate) fn payload(_: *mut Object) {}

/// The name of a scope that opens at this height of the root stack.
#[inline]
pub(crate) fn scope_open(mutator: Mutator, height: size_t) -> size_t {
    let _ = SCOPES.try_with(|all| all.borrow_mut().push((mutator, height)));
    height
}

/// The height of a scope that closes, and with it those of its mutator that were opened after it.
#[inline]
pub(crate) fn scope_close(mutator: Mutator, scope: size_t) -> Result<size_t, String> {
    let close = |scopes: &mut Vec<(Mutator, size_t)>| {
        if scopes.last() == Some(&(mutator, scope)) {
            scopes.pop();
            return Ok(scope);
        }
        let Some(at) = scopes.iter().rposition(|&open| open == (mutator, scope)) else {
            return Err(format!(
                "{scope} is not an open scope: it was closed already, or never opened by this mutator"
            ));
        };
        let inner = scopes.split_off(at);
        scopes.extend(inner.into_iter().filter(|&(other, _)| other != mutator));
        Ok(scope)
    };
    SCOPES.try_with(|all| close(&mut all.borrow_mut())).unwrap_or(Ok(scope))
}

/// The mutator leaves, and its scopes with it.
pub(crate) fn detach(mutator: Mutator) -> Result<(), String> {
    let _ = SCOPES.try_with(|all| all.borrow_mut().retain(|&(open, _)| open != mutator));
    Ok(())
}

#[inline(always)]
pub(crate) fn leaks(_: &LeakReport) {}
