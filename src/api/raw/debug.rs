//! What a checked build (feature `debug`) offers to interfaces on top: the name to give to what is found, and the checks of
//! arguments that only they see. Checks of `PyObject`s abort by themselves.

use super::{GlobalCell, Mutator, Object, PyObject, Record, WeakCell};
use crate::handle::{debug, heaps};
use std::ptr::NonNull;

/// Names the function that the thread is in from now on, for messages; answers the name before, to be set again.
pub fn enter(function: &'static str) -> &'static str {
    debug::enter(function)
}

/// Whether the calling thread has attached this mutator and not detached it. The address is compared, never followed.
pub fn is_attached(mutator: Mutator) -> bool {
    heaps::find(|record| std::ptr::eq(record, mutator.as_ptr())).is_some()
}

/// Says what is wrong with a `PyObject`, and aborts, if anything is. With a mutator: it must be of that one's heap.
///
/// # Safety
/// `mutator` is attached by the calling thread.
pub unsafe fn check_pyobject(mutator: Option<Mutator>, ob: *const PyObject) {
    match mutator {
        // SAFETY: [A1] the caller's promise.
        Some(mutator) => debug::check_of("check", &unsafe { mutator.inner() }.links, ob),
        None => debug::check_use("check", ob),
    }
}

/// What is wrong with an address as an object of this mutator; of no mutator: of the thread's heap in which it lies, if any.
///
/// # Errors
/// What is wrong.
///
/// # Safety
/// `mutator` is attached by the calling thread and running, and the thread is not inside of a collection.
pub unsafe fn check_object(mutator: Option<Mutator>, object: *mut Object) -> Result<(), &'static str> {
    let record: *const Record = match mutator {
        Some(mutator) => mutator.as_ptr(),
        None => {
            // SAFETY: [L2] records live as long as their heap, which an attached mutator keeps.
            let Some(record) = heaps::find(|record| unsafe { &*record }.owns(object)) else { return Ok(()) };
            record
        }
    };
    // SAFETY: [L2] as above.
    let record = unsafe { &*record };
    if record.word.target() != crate::mutator::handshake::Target::Running {
        return Ok(());
    }
    // SAFETY: [L1] the calling thread's, running.
    unsafe { debug::check_object(record, object) }
}

/// What is wrong with an address as a global root of this mutator's heap.
///
/// # Errors
/// What is wrong.
///
/// # Safety
/// `mutator` is attached; `cell` came from some heap that still is.
pub unsafe fn check_global(mutator: Mutator, cell: NonNull<GlobalCell>) -> Result<(), &'static str> {
    // SAFETY: [A1] [C1] the caller's promise.
    unsafe { mutator.inner().shared.globals.check(cell) }
}

/// What is wrong with an address as a weak reference of this mutator's heap.
///
/// # Errors
/// What is wrong.
///
/// # Safety
/// `mutator` is attached; `cell` came from some heap that still is.
pub unsafe fn check_weak(mutator: Mutator, cell: NonNull<WeakCell>) -> Result<(), &'static str> {
    // SAFETY: [A1] [C1] the caller's promise.
    unsafe { mutator.inner().shared.weaks.check(cell) }
}
