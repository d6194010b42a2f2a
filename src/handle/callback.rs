//! A C callback with its argument, read by any thread at any time and set rarely.
//!
//! Function and argument are one allocation behind one atomic pointer, so that a reader never sees half of a change.
//! What was set before is kept until the heap goes: a reader may be using it.

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicPtr, Ordering};
use std::ffi::c_void;
use std::ptr;

struct Pair<F> {
    function: F,
    arg: *mut c_void,
}

/// A settable callback.
pub(crate) struct Callback<F: Copy> {
    current: AtomicPtr<Pair<F>>,
    /// Every pair ever set: boxed, since readers hold their addresses.
    #[allow(clippy::vec_box, reason = "the addresses must not change")]
    all: Mutex<Vec<Box<Pair<F>>>>,
}

// SAFETY: [K7] the argument is the embedder's, who says that any thread may call the function with it.
unsafe impl<F: Copy + Send> Send for Callback<F> {}
// SAFETY: [K7] as above.
unsafe impl<F: Copy + Send> Sync for Callback<F> {}

impl<F: Copy> Callback<F> {
    /// No callback.
    pub(crate) fn new() -> Callback<F> {
        Callback { current: AtomicPtr::new(ptr::null_mut()), all: Mutex::new(Vec::new()) }
    }

    /// Sets or removes it.
    pub(crate) fn set(&self, function: Option<F>, arg: *mut c_void) {
        let mut all = self.all.lock().unwrap_or_else(|e| e.into_inner());
        let pair = match function {
            Some(function) => {
                all.push(Box::new(Pair { function, arg }));
                all.last_mut().map_or(ptr::null_mut(), |pair| &raw mut **pair)
            }
            None => ptr::null_mut(),
        };
        // Release, [K-pair]: who finds the pair finds it filled.
        self.current.store(pair, Ordering::Release);
    }

    /// Function and argument, if set.
    #[inline]
    pub(crate) fn get(&self) -> Option<(F, *mut c_void)> {
        // SAFETY: [K7] pairs live as long as the callback.
        let pair = unsafe { self.current.load(Ordering::Acquire).as_ref() }?;
        Some((pair.function, pair.arg))
    }
}
