//! Finalizers: each reports that it ran; some resurrect their object, some allocate.

use super::model::Id;
use super::objects::{Shape, id_of};
use handfast::raw::{GlobalCell, Mutator, Object};
use std::cell::RefCell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// Where finalizers report. They run at safepoints of any mutator of the heap.
#[derive(Default)]
pub struct Sink {
    /// Objects whose finalizer has run since the last look.
    finalized: Mutex<Vec<Id>>,
    /// Where finalizers store objects that they resurrect.
    resurrect: AtomicPtr<GlobalCell>,
}

thread_local! {
    static SINK: RefCell<Option<Arc<Sink>>> = const { RefCell::new(None) };
}

impl Sink {
    /// Finalizers that run on this thread report here.
    pub fn listen(self: &Arc<Sink>) {
        SINK.set(Some(self.clone()));
    }

    /// Before anything is finalized.
    pub fn set_resurrected(&self, cell: *mut GlobalCell) {
        self.resurrect.store(cell, SeqCst);
    }

    /// The global root of what was resurrected.
    pub fn resurrected(&self) -> *mut GlobalCell {
        self.resurrect.load(SeqCst)
    }

    /// What has run since the last look.
    pub fn take(&self) -> Vec<Id> {
        std::mem::take(&mut self.finalized.lock().expect("no finalizer panics"))
    }

    /// Runs `f` while no finalizer reports, unless one has since the last look.
    pub fn between<T>(&self, f: impl FnOnce() -> T) -> Option<T> {
        let finalized = self.finalized.lock().expect("no finalizer panics");
        finalized.is_empty().then(f)
    }
}

/// Whether the finalizer of this object resurrects it.
pub fn resurrects(id: Id) -> bool {
    id.is_multiple_of(3)
}

/// The finalizer of the type `Final`.
pub unsafe extern "C" fn finalize(mutator: *mut c_void, object: *mut Object) {
    let sink = SINK.with_borrow(|sink| sink.clone()).expect("every thread of a program listens");
    // SAFETY: called on the mutator's thread with an object that is kept for the call, and old, so it stays in place.
    unsafe {
        let m = Mutator::from_ptr(mutator.cast()).expect("a finalizer gets its mutator");
        let id = id_of(object);
        {
            // Under the lock: the list and the global root must agree on who was last.
            let mut finalized = sink.finalized.lock().expect("no finalizer panics");
            finalized.push(id);
            if resurrects(id) {
                m.global_set(sink.resurrected(), object);
            }
        }
        // Under zeal an allocation may wait for a cycle, and a safepoint must not wait for other mutators here.
        if id.is_multiple_of(2) && !cfg!(gc_zeal) {
            // A finalizer may allocate; its object is old, so it stays where it is.
            assert!(!m.alloc(Shape::pair().ty()).is_null());
            assert_eq!(id_of(object), id);
        }
    }
}
