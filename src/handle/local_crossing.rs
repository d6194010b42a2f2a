//! A mutator crosses a link: from a `PyObject` to its object.
//!
//! Outside of cycles, and over its own link or a public one, that is a load. In a cycle what is found is shaded, as by a weak
//! load; over another thread's private link its owner is asked first to publish the object.

use super::links::Address;
use super::local_links::LocalLinks;
use super::pyobject::PyObject;
use super::slab::SlabHeap;
use crate::mutator::Record;
use crate::object::Object;
use crate::object::header::BARRIER_IDLE;
use std::ptr;

impl LocalLinks {
    /// The object of a `PyObject`, or null when it is not linked, or with another heap's object. Never collects.
    ///
    /// # Safety
    /// Called by the running owner of `record`; `ob` is a live object that it holds or that something it holds keeps alive.
    #[inline]
    pub unsafe fn cross(record: &Record, ob: *mut PyObject) -> *mut Object {
        // SAFETY: [K2] the caller's promise.
        if let Some(object) = unsafe { Self::cross_quick(record, ob) } {
            return object;
        }
        // SAFETY: [K2] the caller's promise.
        unsafe { Self::cross_slow(record, ob) }
    }

    /// Where nobody has to be asked and nothing to be shaded: the object.
    ///
    /// # Safety
    /// As [`LocalLinks::cross`].
    #[inline(always)]
    pub unsafe fn cross_quick(record: &Record, ob: *mut PyObject) -> Option<*mut Object> {
        // SAFETY: [K2] the caller says that it is live.
        let word = unsafe { (*ob).link() };
        let object = word.object();
        // An unlinked object's word leads to no block of this heap.
        if record.in_blocks(object) {
            // SAFETY: [K5] only objects of our slabs are linked privately.
            if !word.is_private() || ptr::eq(unsafe { SlabHeap::page(ob.cast()) }.owner().cast(), record) {
                // Outside of cycles there is nothing to shade.
                // SAFETY: [B2] public or this mutator's own, and alive since `ob` is.
                if record.barrier.get() == BARRIER_IDLE || unsafe { record.knows(object) } {
                    return Some(object);
                }
            }
        }
        None
    }

    /// The same for what is unmarked in a cycle, for large objects, for other threads' private links, and for what is not linked.
    #[inline(never)]
    unsafe fn cross_slow(record: &Record, ob: *mut PyObject) -> *mut Object {
        // SAFETY: [K2] the caller says that it is live.
        let this = unsafe { &*ob };
        let mut word = this.link();
        while word.is_private() {
            // SAFETY: [K5] only objects of our slabs are linked privately.
            let owner = unsafe { SlabHeap::page(ob.cast()) }.owner().cast::<Record>();
            if ptr::eq(owner, record) {
                break;
            }
            // SAFETY: [L2] records live as long as their heap, which the caller's reference to `ob` implies.
            if unsafe { owner.as_ref() }.is_some_and(|owner| !ptr::eq(owner.shared(), record.shared())) {
                // Another heap's: its owner may be this very thread, which would wait for itself.
                return ptr::null_mut();
            }
            if owner.is_null() {
                // The owner leaves: it has published, or is about to; the word says when.
                crate::sync::thread::yield_now();
            } else {
                let ob = Address(ob);
                let still_private = move || {
                    let Address(ob) = { ob };
                    // SAFETY: [K2] the requester holds it until the request is done or withdrawn.
                    let word = unsafe { (*ob).link() };
                    word.is_private().then(|| word.object())
                };
                // SAFETY: [L2] records live as long as the heap.
                unsafe {
                    let is_public = || !this.link().is_private();
                    record.ask_to_publish(&*owner, Box::new(still_private), is_public, super::heaps::serve_publish);
                }
            }
            word = this.link();
        }
        if !word.is_linked() {
            return ptr::null_mut();
        }
        if !record.owns(word.object()) {
            // Another heap's, which this mutator does not keep alive.
            return ptr::null_mut();
        }
        // The crossing barrier. It goes through the gate as a weak load does: C may have counted a reference that it only
        // borrowed, too late; then this answers an object that stays, or null.
        // SAFETY: [B2] public or this mutator's own, and alive since `ob` is.
        unsafe { record.take_unseen(word.object()) }
    }
}
