//! What any thread may give up, attached or not: references of C, global roots, weak references.

use super::heap::Heap;
use crate::handle::PyObject;
use crate::mutator::globals::{self, GlobalCell};
use crate::mutator::weak::{self, WeakCell};
use std::ptr::NonNull;

impl Heap {
    /// Drops a C reference from any thread, attached or not: it goes, still counted, to a queue that some mutator empties
    /// at its next safepoint, or [`Heap::close`]. Waits for nobody. An object of another heap is reported and left alone.
    ///
    /// ```
    /// use handfast::raw::{Heap, PyObject};
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let ob = m.pyobject_new(24, std::ptr::null_mut()) as usize;
    ///     let handle = heap.clone();
    ///     std::thread::spawn(move || handle.decref_detached(ob as *mut PyObject)).join().unwrap();
    ///     m.safepoint(); // here it is dropped
    ///     assert_eq!(heap.stats().c_only, 0);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// `ob` is null or a live `PyObject`, and the caller gives up a reference that it holds.
    pub unsafe fn decref_detached(&self, ob: *mut PyObject) {
        // SAFETY: [K2] the caller's promise.
        unsafe { self.0.links.decref_detached(ob) };
    }

    /// [`Heap::decref_detached`] of an object that belongs to this heap, which may have been closed since.
    ///
    /// # Safety
    /// A `PyObject` of this heap, and the caller gives up a reference that it held when the heap was closed, if it was.
    pub(crate) unsafe fn drop_later(&self, ob: *mut PyObject) {
        // SAFETY: [K2] the caller's promise.
        unsafe { self.0.links.drop_later(ob) };
    }

    /// Frees a global root (or null) from any thread, attached or not. False, and nothing has happened, if it is
    /// another heap's, or has been freed already and not been given out again since.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let global = m.global_new(m.alloc(&NODE));
    ///     heap.global_free_detached(global);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// `cell` came from [`Mutator::global_new`](super::Mutator::global_new) of this heap and is not used afterwards.
    pub unsafe fn global_free_detached(&self, cell: *mut GlobalCell) -> bool {
        // SAFETY: [C1] the caller's promise.
        NonNull::new(cell).is_none_or(|cell| unsafe { globals::global_free(&self.0.shared, cell) })
    }

    /// Frees a weak reference (or null) from any thread, attached or not. False, and nothing has happened, if it is
    /// another heap's, or has been freed already and not been given out again since.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let weak = m.weak_new(m.alloc(&NODE));
    ///     heap.weak_free_detached(weak);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// `cell` came from [`Mutator::weak_new`](super::Mutator::weak_new) of this heap and is not used afterwards.
    pub unsafe fn weak_free_detached(&self, cell: *mut WeakCell) -> bool {
        // SAFETY: [C1] the caller's promise.
        NonNull::new(cell).is_none_or(|cell| unsafe { weak::weak_free(&self.0.shared, cell) })
    }
}
