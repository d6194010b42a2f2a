//! Threads: attaching, detaching, safepoints, native state.
//!
//! Every function that takes a mutator asks the core whether the calling thread is the one that attached it
//! ([`running`], [`attached`]). The core answers from the thread's own list of mutators, so that a detached mutator's
//! address is compared and never followed.
//!
//! Callbacks (finalizers, the dead notifier) run inside calls that may collect. `hf_detach` in one of them would pull the
//! mutator from under its caller: [`collecting`] counts how deep a thread is in such calls, and `hf_detach` refuses when
//! it is in one.
//!
//! A thread that ends without `hf_detach` would hold up every cycle for ever: nobody could answer for it. So each
//! attachment made here is noted in a thread-local whose destructor detaches what is left ([`Attachments`]). It is
//! registered after the core's own thread-locals, and the platform destroys them in the opposite order.

use crate::boundary::{self, misuse};
use crate::checks;
use crate::ctypes::HfMutator;
use crate::heap::HfHeap;
use crate::status::{Failure, HfStatus};
use handfast_core::raw::{self, Heap, Mutator};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a thread has attached with `hf_attach` and not detached. The heap is kept so that the record stays readable,
/// whatever else was done to the mutator.
struct Attachments(RefCell<Vec<(Mutator, Heap)>>);

impl Drop for Attachments {
    fn drop(&mut self) {
        for (mutator, heap) in self.0.get_mut().drain(..) {
            // In the child of a fork nobody waits for this thread, and nobody could answer it.
            if heap.check().is_err() {
                continue;
            }
            // A panic must not leave a thread's end; it has been reported by the hook, and the next one gets its turn.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                // SAFETY: [E2] the heap is alive, and with it the record.
                if unsafe { mutator.is_current() } {
                    // SAFETY: [E2] attached by this thread, which does nothing any more.
                    collecting(|| unsafe { mutator.detach() });
                }
            }));
        }
    }
}

thread_local! {
    /// This thread's attachments.
    static ATTACHMENTS: Attachments = const { Attachments(RefCell::new(Vec::new())) };
    /// Calls of this thread that may collect and have not returned.
    static COLLECTING: Cell<usize> = const { Cell::new(0) };
}

/// One call that may collect, until it is dropped.
struct Collecting;

impl Collecting {
    fn enter() -> Collecting {
        COLLECTING.set(COLLECTING.get() + 1);
        Collecting
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        COLLECTING.set(COLLECTING.get() - 1);
    }
}

/// Whether the thread is in a call that may collect, in a callback of one perhaps.
#[cfg(feature = "debug")]
pub(crate) fn is_collecting() -> bool {
    COLLECTING.get() != 0
}

/// Runs a call that may collect, and so may run callbacks.
pub(crate) fn collecting<R>(body: impl FnOnce() -> R) -> R {
    let _inside = Collecting::enter();
    body()
}

/// The C name of a mutator.
pub(crate) fn name(mutator: Mutator) -> *mut HfMutator {
    mutator.as_ptr().cast()
}

#[cold]
#[inline(never)]
fn foreign(function: &'static str) -> Failure {
    let cause = "the mutator is not attached by the calling thread (another thread's, or detached)";
    misuse(function, Failure::new(HfStatus::HF_ERR_WRONG_THREAD, cause))
}

#[cold]
#[inline(never)]
fn native(function: &'static str) -> Failure {
    misuse(function, Failure::argument("the mutator is in native state: call hf_native_leave first"))
}

/// The mutator that a C pointer names, which must be one of the calling thread, running or in native state.
#[inline]
pub(crate) fn attached(function: &'static str, mutator: *mut HfMutator) -> Result<Mutator, Failure> {
    // SAFETY: [E2] the pointer is compared with NULL and stored.
    let Some(mutator) = (unsafe { Mutator::from_ptr(HfMutator::record(mutator)) }) else {
        return Err(Failure::null("mutator"));
    };
    // SAFETY: [E2] the core compares the address with those of this thread's mutators.
    if checks::is_known(mutator) && unsafe { mutator.is_current() } {
        checks::uses(mutator);
        Ok(mutator)
    } else {
        Err(foreign(function))
    }
}

/// The mutator that a C pointer names, which must be one of the calling thread and not in native state.
#[inline]
pub(crate) fn running(function: &'static str, mutator: *mut HfMutator) -> Result<Mutator, Failure> {
    let mutator = attached(function, mutator)?;
    // SAFETY: [E2] attached by this thread.
    if unsafe { mutator.is_native() } {
        return Err(native(function));
    }
    Ok(mutator)
}

/// The same where it is so; for functions that try their simplest case before anything else. In checked builds never.
#[inline(always)]
pub(crate) fn quick(mutator: *mut HfMutator) -> Option<Mutator> {
    if cfg!(feature = "debug") {
        return None;
    }
    // SAFETY: [E2] as in `attached`.
    let mutator = unsafe { Mutator::from_ptr(HfMutator::record(mutator)) }?;
    // SAFETY: [E2] the core compares the thread with the one that has attached.
    unsafe { mutator.is_running_here() }.then_some(mutator)
}

/// Attaches the calling thread to a heap. A thread attaches once to each heap, and to as many heaps as it likes. A thread
/// that ends is detached. A thread that waits in one heap (for a full collection, or for memory) is running still in the
/// others, whose cycles wait for it: two such threads can wait for each other for ever, unless each goes to native state
/// in the other heap first.
///
/// # Safety
/// Owner: `*out` is the calling thread's until `hf_detach`; NULL is written there on failure. Thread: any.
/// Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_ALREADY_ATTACHED`, `HF_ERR_FORKED`,
/// `HF_ERR_OS` (no addresses for the thread's roots).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_attach(heap: *mut HfHeap, out: *mut *mut HfMutator) -> HfStatus {
    boundary::status("hf_attach", || {
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        // SAFETY: [E3] not NULL, so writable.
        unsafe { out.write(std::ptr::null_mut()) };
        // SAFETY: [E1] NULL or alive.
        let heap = unsafe { HfHeap::from_c(heap) }?.raw();
        let mutator = heap.attach()?;
        // Fails at the end of a thread only, when it must detach by itself.
        let _ = ATTACHMENTS.try_with(|all| all.0.borrow_mut().push((mutator, heap.clone())));
        // SAFETY: [E3] as above.
        unsafe { out.write(name(mutator)) };
        Ok(())
    })
}

/// Ends the calling thread's attachment, from running or from native state. Its roots are dropped; what others can
/// reach, and what C still holds, lives on. Not allowed in a callback.
///
/// # Safety
/// Owner: the mutator is gone on success. Thread: the mutator's. **May collect.**
/// Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_detach(mutator: *mut HfMutator) -> HfStatus {
    boundary::status("hf_detach", || {
        let mutator = attached("hf_detach", mutator)?;
        if raw::in_dealloc() {
            return Err(Failure::argument("called from a dealloc"));
        }
        if COLLECTING.get() != 0 {
            return Err(Failure::argument("called from a finalizer or from the dead notifier"));
        }
        checks::detach(mutator).map_err(|cause| misuse("hf_detach", Failure::argument(cause)))?;
        let kept = ATTACHMENTS.try_with(|all| {
            let mut all = all.0.borrow_mut();
            all.iter().position(|(other, _)| *other == mutator).map(|index| all.swap_remove(index))
        });
        // SAFETY: [E2] attached by this thread, in either state, and no call of it is on the stack.
        collecting(|| unsafe { mutator.detach() });
        // Its handle on the heap was needed until here.
        drop(kept);
        Ok(())
    })
}

/// A point at which this thread serves what others asked of it. A thread that runs for long without allocating calls
/// it now and then, or goes to native state.
///
/// # Safety
/// Thread: the mutator's. **May collect**; runs finalizers and the dead notifier. NULL, another thread's mutator: does
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_safepoint(mutator: *mut HfMutator) {
    boundary::nothing("hf_safepoint", || {
        let mutator = running("hf_safepoint", mutator)?;
        // SAFETY: [E2] attached by this thread and running.
        collecting(|| unsafe { mutator.safepoint() });
        Ok(())
    });
}

/// Goes to native state: the thread promises to touch no `hf_object` until `hf_native_leave`, and collections do not
/// wait for it meanwhile. For calls that block or take long. Counts may be changed in native state.
///
/// # Safety
/// Thread: the mutator's. Collects: not by itself, but from here on others may, on this thread's behalf. Already native:
/// does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_native_enter(mutator: *mut HfMutator) {
    boundary::nothing("hf_native_enter", || {
        let mutator = running("hf_native_enter", mutator)?;
        // SAFETY: [E2] attached by this thread and running.
        unsafe { mutator.native_enter() };
        Ok(())
    });
}

/// Comes back from native state.
///
/// # Safety
/// Thread: the mutator's. **May collect**: objects may have moved meanwhile. Not native: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_native_leave(mutator: *mut HfMutator) {
    boundary::nothing("hf_native_leave", || {
        let mutator = attached("hf_native_leave", mutator)?;
        // SAFETY: [E2] attached by this thread.
        if !unsafe { mutator.is_native() } {
            return Err(Failure::argument("the mutator is not in native state"));
        }
        // SAFETY: [E2] attached by this thread and in native state.
        collecting(|| unsafe { mutator.native_leave() });
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_of_collecting_calls_is_right_after_a_panic() {
        let caught = std::panic::catch_unwind(|| collecting(|| panic!("in a callback")));
        assert!(caught.is_err());
        assert_eq!(COLLECTING.get(), 0);
        assert_eq!(collecting(|| COLLECTING.get()), 1);
    }
}
