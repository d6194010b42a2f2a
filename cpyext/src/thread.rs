//! Threads: the extension lock as C knows it, and locks of C's own.

use crate::runtime::{self, Entered, Runtime};
use handfast_cpyext_macros::capi;
use std::cell::RefCell;
use std::ffi::{c_int, c_ulong, c_void};
use std::ptr::null_mut;
use std::sync::{Condvar, Mutex, PoisonError};

/// What `PyEval_SaveThread` answers: there is no struct behind it.
const STATE: *mut c_void = std::ptr::dangling_mut::<usize>().cast();

thread_local! {
    /// How this thread came in, one for each `PyGILState_Ensure` that had to enter.
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
    static ALLOWED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Lets other threads in.
#[capi]
pub unsafe fn PyEval_SaveThread() -> *mut c_void {
    runtime::allow_threads();
    ALLOWED.set(true);
    STATE
}

/// Comes back.
#[capi]
pub unsafe fn PyEval_RestoreThread(_state: *mut c_void) {
    ALLOWED.set(false);
    runtime::take_threads();
}

/// The state of this thread, which is opaque.
#[capi]
pub unsafe fn PyThreadState_Get() -> *mut c_void {
    if runtime::is_entered() { STATE } else { null_mut() }
}

/// Enters, or comes back; answers what `PyGILState_Release` undoes.
#[capi]
pub unsafe fn PyGILState_Ensure() -> c_int {
    if !runtime::is_entered() {
        let runtime = Runtime::get().expect("the runtime has been started");
        let entered = runtime.enter().expect("a thread can enter");
        ENTERED.with_borrow_mut(|all| all.push(entered));
        return 1;
    }
    if ALLOWED.replace(false) {
        runtime::take_threads();
        return 2;
    }
    0
}

/// Undoes one `PyGILState_Ensure`.
#[capi]
pub unsafe fn PyGILState_Release(state: c_int) {
    match state {
        1 => drop(ENTERED.with_borrow_mut(Vec::pop)),
        2 => {
            runtime::allow_threads();
            ALLOWED.set(true);
        }
        _ => {}
    }
}

/// Whether this thread may use the API now.
#[capi]
pub unsafe fn PyGILState_Check() -> c_int {
    c_int::from(runtime::is_entered() && !ALLOWED.get())
}

/// A lock of C's, which any thread may release.
#[derive(Debug, Default)]
struct Lock {
    held: Mutex<bool>,
    free: Condvar,
}

/// A lock.
#[capi]
pub unsafe fn PyThread_allocate_lock() -> *mut c_void {
    Box::into_raw(Box::<Lock>::default()).cast()
}

/// Frees a lock.
#[capi]
pub unsafe fn PyThread_free_lock(lock: *mut c_void) {
    drop(Box::from_raw(lock.cast::<Lock>()));
}

/// Takes a lock: 1, or 0 when it is held and the caller does not wait.
#[capi]
pub unsafe fn PyThread_acquire_lock(lock: *mut c_void, wait: c_int) -> c_int {
    let lock = &*lock.cast::<Lock>();
    let mut held = lock.held.lock().unwrap_or_else(PoisonError::into_inner);
    while *held {
        if wait == 0 {
            return 0;
        }
        held = lock.free.wait(held).unwrap_or_else(PoisonError::into_inner);
    }
    *held = true;
    1
}

/// Releases a lock.
#[capi]
pub unsafe fn PyThread_release_lock(lock: *mut c_void) {
    let lock = &*lock.cast::<Lock>();
    *lock.held.lock().unwrap_or_else(PoisonError::into_inner) = false;
    lock.free.notify_one();
}

/// A number of this thread.
#[capi]
pub unsafe fn PyThread_get_thread_ident() -> c_ulong {
    libc::pthread_self()
}

/// Signals are the program's own affair.
#[capi]
pub unsafe fn PyErr_CheckSignals() -> c_int {
    0
}

/// Whether the runtime is there.
#[capi]
pub unsafe fn Py_IsInitialized() -> c_int {
    c_int::from(Runtime::get().is_some())
}
