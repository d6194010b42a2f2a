//! The heap walk: every live object, one call each.

use crate::boundary;
use crate::ctypes::{HfMutator, HfObject, size_t};
use crate::status::{Failure, HfStatus};
use crate::threads::{collecting, running};
use crate::types::HfType;
use handfast_core::raw::WalkedObject;
use std::ffi::c_void;

/// What is called for each object of a heap walk. It may read the object, and calls nothing that takes a mutator.
pub type HfWalk =
    Option<unsafe extern "C" fn(object: *mut HfObject, type_: HfType, bytes: size_t, items: size_t, arg: *mut c_void)>;

/// Calls `visit` for each live object: what the last cycle left alive or was promoted since, and what this thread can
/// reach. For exact answers call `hf_collect_full` first, with no other thread running.
///
/// # Safety
/// Owner: `arg` is the caller's. Thread: the mutator's. **May collect.** Errors: `HF_ERR_INVALID_ARGUMENT`,
/// `HF_ERR_WRONG_THREAD`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_heap_walk(mutator: *mut HfMutator, visit: HfWalk, arg: *mut c_void) -> HfStatus {
    boundary::status("hf_heap_walk", || {
        let mutator = running("hf_heap_walk", mutator)?;
        let Some(visit) = visit else {
            return Err(Failure::null("visit"));
        };
        let mut each = |found: WalkedObject| {
            let object = std::ptr::with_exposed_provenance_mut(found.address);
            // SAFETY: [T2] a description outlives its objects.
            let id = unsafe { (*found.type_info).id() };
            // SAFETY: [E6] the program's callback, with what it asked for.
            unsafe { visit(object, id, found.bytes, found.items, arg) };
        };
        // SAFETY: [E2] running on this thread.
        collecting(|| unsafe { mutator.walk(&mut each) });
        Ok(())
    })
}
