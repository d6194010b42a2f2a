//! Global roots: cells outside of the heap that any thread may read and set.
//!
//! A global root behaves as a field of a public object that the root scan visits: what is stored in it is published,
//! stores during a cycle are exchanges, and what they overwrite is shaded.

use super::record::Record;
use super::shared::Shared;
use crate::object::{Object, reference};
use crate::sync::atomic::AtomicPtr;
use std::ptr::NonNull;

/// One root. Free cells hold null.
#[derive(Debug)]
#[repr(C)]
pub struct GlobalCell {
    /// The object.
    pub value: AtomicPtr<Object>,
}

impl Default for GlobalCell {
    fn default() -> GlobalCell {
        GlobalCell { value: AtomicPtr::new(std::ptr::null_mut()) }
    }
}

impl GlobalCell {
    /// The object, or null.
    #[inline]
    pub fn get(&self) -> *mut Object {
        reference::follow(&self.value)
    }
}

impl Record {
    /// Makes a global root of an object (or of null).
    ///
    /// # Safety
    /// Called by the owner; `object` is null or valid for it.
    pub unsafe fn global_new(&self, object: *mut Object) -> NonNull<GlobalCell> {
        let cell = self.shared().globals.alloc();
        // SAFETY: [C1] a fresh cell, and the caller's object.
        unsafe { self.global_set(cell, object) };
        cell
    }

    /// Sets a global root.
    ///
    /// # Safety
    /// As [`Record::global_new`]; `cell` is alive.
    pub unsafe fn global_set(&self, cell: NonNull<GlobalCell>, object: *mut Object) {
        // SAFETY: [C1] cells have stable addresses and atomic fields.
        let value = unsafe { &cell.as_ref().value };
        // SAFETY: [B1] a global root is a field of something public.
        unsafe { self.store_public(value, object) };
    }
}

/// Frees a global root; any thread, attached or not. False, and nothing has happened, if it is another heap's or
/// has been freed already.
///
/// # Safety
/// `cell` came from a heap that still is, and nobody uses it afterwards.
pub unsafe fn global_free(shared: &Shared, cell: NonNull<GlobalCell>) -> bool {
    // SAFETY: [C1] the caller's cell.
    if unsafe { shared.globals.check(cell) }.is_err() {
        return false;
    }
    // SAFETY: [C1] cells have stable addresses and atomic fields.
    let old = reference::exchange(&unsafe { cell.as_ref() }.value, std::ptr::null_mut());
    // SAFETY: [G2] what a global root held was public and alive until now; deletion barrier.
    unsafe { shared.shade_detached(old) };
    // SAFETY: [C1] the caller gives the cell up.
    unsafe { shared.globals.free(cell) }
}
