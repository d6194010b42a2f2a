//! References that a thread drops which is attached to no heap: finalizer threads, callbacks of other runtimes, threads
//! that detached before their locals went.
//!
//! Such a thread must not run the embedder's dealloc, which expects an attached thread. So the *reference* goes to a queue
//! of the heap, still counted: the object lives until a mutator takes it out at its next safepoint (any mutator, at any
//! point that may collect), or the heap is closed. Dropping takes one push and one store, waits for nobody, and
//! needs no lock; what it costs is lateness. (PyO3 keeps such drops in a list behind a mutex.)
//!
//! The mutator that answers drops them one by one, with the plain decref; a dealloc may drop more in the same way.

use super::death::report;
use super::debug;
use super::links::{Address, Links};
use super::pyobject::PyObject;

impl Links {
    /// Drops a C reference from any thread, attached or not, later.
    ///
    /// # Safety
    /// `ob` is null or a live `PyObject`, and the caller gives up a reference that it holds.
    pub unsafe fn decref_detached(&self, ob: *mut PyObject) {
        if ob.is_null() {
            return;
        }
        if !self.owns(ob) {
            report("decref_detached", ob, "it does not belong to this heap; nothing was done");
            return;
        }
        debug::check_use("decref_detached", ob);
        // SAFETY: [K2] the caller holds a reference.
        if unsafe { (*ob).ob_refcnt.is_immortal() } {
            return;
        }
        // SAFETY: [K2] the caller's.
        unsafe { self.drop_later(ob) };
    }

    /// The same without a look at the object, so the heap may have been closed: then nothing happens any more.
    ///
    /// # Safety
    /// `ob` is a `PyObject` of this heap, and the caller gives up a reference that it holds.
    pub unsafe fn drop_later(&self, ob: *mut PyObject) {
        self.detached.push(Address(ob));
        self.shared.drops_due.ring();
    }

    /// Drops what other threads have queued, if they have. Returns how many references that were.
    ///
    /// # Safety
    /// Called by an attached, running thread at a point that may collect: deallocs run.
    pub unsafe fn drop_detached(&self) -> usize {
        let mut dropped = 0;
        while self.shared.drops_due.answer() {
            while let Some(Address(ob)) = self.detached.pop() {
                // SAFETY: [K2] the queue holds the reference that the detached thread gave up.
                unsafe { PyObject::decref(ob) };
                dropped += 1;
            }
        }
        dropped
    }
}
