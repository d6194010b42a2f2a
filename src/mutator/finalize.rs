//! Finalizers: when they become due, and who holds the object until then.
//!
//! A finalizer runs once, on some mutator, at a safepoint, after its object was found unreachable; the object is kept
//! for it and may be stored anywhere (resurrected), and dies without another call later. Those found by one collection
//! run in the order in which their objects were allocated by their thread; between collections in the order of
//! discovery. A young object that dies privately is finalized by its own mutator. One that survives its first minor
//! collection is published, so that the global cycle can hand it to any mutator.

use super::record::Record;
use super::shared::{Counters, Due};
use crate::object::Object;
use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::ffi::c_void;
use std::ptr::NonNull;

/// One old object with a finalizer that has not run. Free cells hold null.
#[derive(Debug)]
#[repr(C)]
pub struct FinalizableCell {
    /// The object.
    pub object: AtomicPtr<Object>,
    /// Grows with each registration: cells are used again in any order.
    pub order: AtomicU64,
}

impl Default for FinalizableCell {
    fn default() -> FinalizableCell {
        FinalizableCell { object: AtomicPtr::new(std::ptr::null_mut()), order: AtomicU64::new(0) }
    }
}

impl Record {
    /// Registers a promoted object whose finalizer has not run.
    ///
    /// # Safety
    /// Called by the owner or holder; `object` is live and old.
    pub(super) unsafe fn register_finalizable(&self, object: *mut Object) {
        // SAFETY: [P1] its own object.
        unsafe { self.publish(object) };
        let order = self.shared().finalizable_made.fetch_add(1, Ordering::Relaxed);
        let cell: NonNull<FinalizableCell> = self.shared().finalizable.alloc();
        // SAFETY: [C1] a fresh cell.
        let cell = unsafe { cell.as_ref() };
        cell.order.store(order, Ordering::Relaxed);
        // Release, [F-put]: the collector, which reads it, sees the object and its place in the order.
        cell.object.store(object, Ordering::Release);
    }

    /// Hands a due object over to whichever mutator runs finalizers next: this one leaves.
    ///
    /// # Safety
    /// As [`Record::register_finalizable`].
    pub(super) unsafe fn hand_over_due(&self, object: *mut Object) {
        // SAFETY: [P1] its own object.
        let cell = unsafe { self.global_new(object) };
        self.shared().due.push(Due(cell));
    }

    /// Runs the finalizers that are due. They may allocate, collect, store the object, or do nothing. Those that become
    /// due meanwhile wait for the next point that runs callbacks: finalizers that make finalizable garbage and collect
    /// would never let go of their caller otherwise.
    ///
    /// # Safety
    /// Called by the owner at a point that may collect.
    pub unsafe fn run_finalizers(&self) {
        // SAFETY: [L1] the owner; the reference ends with the statement.
        let (own, handed_over) = (unsafe { self.local() }.due.len(), self.shared().due.len());
        for _ in 0..own {
            // Where there is no room for a root, objects stay due.
            // SAFETY: [L1] as above.
            if !unsafe { self.local() }.roots.has_room() {
                return;
            }
            // SAFETY: [L1] as above.
            let Some(object) = unsafe { self.local() }.due.pop_front() else { break };
            // SAFETY: [L1] as above.
            let mark = unsafe { self.local() }.roots.len();
            // SAFETY: [L1] as above; [F1] due, and its finalizer has not run.
            unsafe {
                self.local().roots.push(object);
                self.finalize(object, mark);
            }
        }
        for _ in 0..handed_over {
            // SAFETY: [L1] as above.
            if !unsafe { self.local() }.roots.has_room() {
                return;
            }
            let Some(Due(cell)) = self.shared().due.pop() else { break };
            // SAFETY: [C1] a live cell that the queue owned. The object is rooted by `finalize` before the cell goes.
            let object = unsafe { cell.as_ref() }.get();
            // SAFETY: [L1] as above.
            unsafe { self.local() }.roots.push(object);
            // SAFETY: [C1] the queue was its only user; this mutator holds the object as a root now, and the barrier
            // of the store below shades it if a cycle runs.
            unsafe {
                self.global_set(cell, std::ptr::null_mut());
                self.shared().globals.free(cell);
                let mark = self.local().roots.len() - 1;
                self.finalize(object, mark);
            }
        }
    }

    /// Calls one finalizer; the object is rooted at the top of the stack.
    unsafe fn finalize(&self, object: *mut Object, mark: usize) {
        // SAFETY: [H2] rooted, so live.
        if let Some(finalize) = unsafe { (*object).type_info() }.finalize {
            Counters::add(&self.shared().counters.finalized, 1);
            // SAFETY: [F1] the embedder's function for objects of this type; it runs once.
            unsafe { finalize(std::ptr::from_ref(self).cast_mut().cast::<c_void>(), object) };
        }
        // SAFETY: [L1] the owner; a finalizer that leaves roots behind loses them here.
        unsafe { self.local() }.roots.truncate(mark);
    }
}
