//! Weak references: cells that the global cycle clears when their object has died.
//!
//! The object of a weak reference is published when the reference is made, so that any thread may load it. A load in a
//! cycle shades what it returns. While marking ends, loads do not wait: [`WeakGate`](crate::mutator::gate::WeakGate)
//! lets a load either make the flush round dirty, so that marking goes on, or learn that the object is dead already. The
//! gate is asked before the object is shaded: shaded after the gate has closed, it would live and what it refers to not.

use super::gate::Unseen;
use super::record::{Phase, Record};
use super::shared::Shared;
use crate::object::Object;
use crate::sync::atomic::{AtomicPtr, Ordering};
use std::ptr::NonNull;

/// One weak reference. Cleared and free cells hold null.
#[derive(Debug)]
#[repr(C)]
pub struct WeakCell {
    /// The object.
    pub target: AtomicPtr<Object>,
}

impl Default for WeakCell {
    fn default() -> WeakCell {
        WeakCell { target: AtomicPtr::new(std::ptr::null_mut()) }
    }
}

impl Record {
    /// Makes a weak reference to an object (or to null), which is published.
    ///
    /// # Safety
    /// Called by the owner; `object` is null or valid for it.
    pub unsafe fn weak_new(&self, object: *mut Object) -> NonNull<WeakCell> {
        let cell = self.shared().weaks.alloc();
        if !object.is_null() {
            // SAFETY: [P1] the caller's object.
            unsafe { self.publish(object) };
        }
        // SAFETY: [C1] a fresh cell. Release: [F-put].
        unsafe { cell.as_ref() }.target.store(object, Ordering::Release);
        cell
    }

    /// The object, or null if it has died.
    ///
    /// # Safety
    /// Called by the owner; `cell` is alive.
    pub unsafe fn weak_get(&self, cell: NonNull<WeakCell>) -> *mut Object {
        // SAFETY: [C1] cells have stable addresses and atomic fields.
        let object = unsafe { cell.as_ref() }.target.load(Ordering::Acquire);
        if object.is_null() {
            return object;
        }
        // SAFETY: [W1] the cell is cleared before the memory of its object is swept, and this mutator has not answered the
        // disarming handshake of this cycle, if it knows of one: the header is still there.
        unsafe { self.take_unseen(object) }
    }

    /// Whether an object that comes from where no snapshot looks is like any other all the same: young, or marked already, or
    /// there is no cycle.
    ///
    /// # Safety
    /// As [`Record::take_unseen`].
    #[inline(always)]
    pub unsafe fn knows(&self, object: *mut Object) -> bool {
        // SAFETY: [L1] only the owner looks at its own local state.
        let local = unsafe { self.local() };
        // SAFETY: [W1] the caller's promise.
        local.phase == Phase::Idle || !local.is_unmarked(unsafe { &*object })
    }

    /// An object that comes from where no snapshot looks, a weak cell or C, as a reference of this mutator: in a cycle it is
    /// shaded, or it is dead and the answer is null.
    ///
    /// # Safety
    /// Called by the owner; `object` is not null, its header has not been swept, and it is public or its own.
    pub unsafe fn take_unseen(&self, object: *mut Object) -> *mut Object {
        // SAFETY: [L1] only the owner looks at its own local state.
        let local = unsafe { self.local() };
        // SAFETY: [W1] the caller's promise.
        let is_unmarked = || local.is_unmarked(unsafe { &*object });
        match self.shared().gate.unseen(local.phase, is_unmarked) {
            Unseen::Usual => object,
            Unseen::Dead => std::ptr::null_mut(),
            Unseen::Shade => {
                // SAFETY: [B2] live, see above.
                unsafe { self.shade(local, object) };
                object
            }
        }
    }
}

/// Frees a weak reference; any thread, attached or not. False, and nothing has happened, if it is another heap's or
/// has been freed already.
///
/// # Safety
/// `cell` came from a heap that still is, and nobody uses it afterwards.
pub unsafe fn weak_free(shared: &Shared, cell: NonNull<WeakCell>) -> bool {
    // SAFETY: [C1] the caller's cell.
    if unsafe { shared.weaks.check(cell) }.is_err() {
        return false;
    }
    // SAFETY: [C1] cells have stable addresses and atomic fields.
    unsafe { cell.as_ref() }.target.store(std::ptr::null_mut(), Ordering::Release);
    // SAFETY: [C1] the caller gives the cell up.
    unsafe { shared.weaks.free(cell) }
}
