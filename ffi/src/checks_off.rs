//! Builds without the `debug` feature: nothing is checked beyond what the values themselves say. See `checks.rs`.

use crate::ctypes::size_t;
use handfast_core::raw::{LeakReport, Mutator, Object, PyObject};

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
pub(crate) fn pyobject(_: *mut PyObject) {}

#[inline(always)]
pub(crate) fn object(_: &'static str, _: *mut Object) {}

#[inline(always)]
pub(crate) fn payload(_: *mut Object) {}

#[inline(always)]
pub(crate) fn scope_open(_: Mutator, height: size_t) -> size_t {
    height
}

#[inline(always)]
pub(crate) fn scope_close(_: Mutator, scope: size_t) -> Result<size_t, String> {
    Ok(scope)
}

#[inline(always)]
pub(crate) fn detach(_: Mutator) -> Result<(), String> {
    Ok(())
}

#[inline(always)]
pub(crate) fn leaks(_: &LeakReport) {}
