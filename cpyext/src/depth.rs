//! How deep calls are nested, and which objects are being written: both per thread.

use crate::answer::Res;
use crate::err;
use crate::layout::Ob;
use crate::runtime;
use handfast_cpyext_macros::capi;
use std::cell::RefCell;
use std::ffi::c_int;

/// A call that may be nested too deep.
pub struct Depth;

impl Depth {
    /// One level deeper; raises when that is too deep.
    ///
    /// # Errors
    /// `RecursionError`.
    #[inline]
    pub fn enter(place: &str) -> Res<Depth> {
        if runtime::enter_recursion() { Ok(Depth) } else { Depth::too_deep(place) }
    }

    #[cold]
    fn too_deep(place: &str) -> Res<Depth> {
        // SAFETY: [X5] set once, when the runtime starts.
        err::raise(unsafe { crate::exc::PyExc_RecursionError }, &format!("maximum recursion depth exceeded{place}"))
    }
}

impl Drop for Depth {
    #[inline]
    fn drop(&mut self) {
        runtime::leave_recursion();
    }
}

/// One level deeper.
#[capi]
pub unsafe fn Py_EnterRecursiveCall(place: *const std::ffi::c_char) -> Res<()> {
    Depth::enter(&std::ffi::CStr::from_ptr(place).to_string_lossy()).map(std::mem::forget)
}

/// One level less deep.
#[capi]
pub unsafe fn Py_LeaveRecursiveCall() {
    runtime::leave_recursion();
}

thread_local! {
    static IN_REPR: RefCell<Vec<Ob>> = const { RefCell::new(Vec::new()) };
}

/// An object whose `repr` is being written.
#[derive(Debug)]
pub struct ReprGuard;

impl ReprGuard {
    /// Enters; `None` when the object is entered already, so contains itself.
    ///
    /// # Errors
    /// `RecursionError`.
    pub fn enter(ob: Ob) -> Res<Option<ReprGuard>> {
        let entered = IN_REPR.with_borrow_mut(|all| {
            let new = !all.contains(&ob);
            if new {
                all.push(ob);
            }
            new
        });
        Ok(entered.then_some(ReprGuard))
    }
}

impl Drop for ReprGuard {
    fn drop(&mut self) {
        IN_REPR.with_borrow_mut(|all| all.pop());
    }
}

/// Enters the `repr` of an object: 1 when it is entered already.
#[capi]
pub unsafe fn Py_ReprEnter(ob: Ob) -> Res<c_int> {
    match ReprGuard::enter(ob)? {
        Some(guard) => {
            std::mem::forget(guard);
            Ok(0)
        }
        None => Ok(1),
    }
}

/// Leaves it.
#[capi]
pub unsafe fn Py_ReprLeave(_ob: Ob) {
    IN_REPR.with_borrow_mut(|all| all.pop());
}
