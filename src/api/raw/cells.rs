//! Global roots and weak references.

use super::mutator::Mutator;
use crate::mutator::globals::{self, GlobalCell};
use crate::mutator::weak::{self, WeakCell};
use crate::object::Object;
use std::ptr::NonNull;

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// Makes a global root of an object (or null), which is published. Never null, never collects.
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
    ///     m.collect_full();
    ///     assert!(m.owns(m.global_get(global)));
    ///     m.global_free(global);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn global_new(self, object: *mut Object) -> *mut GlobalCell {
        // SAFETY: [C1] the caller's object.
        unsafe { self.record().global_new(object) }.as_ptr()
    }

    /// The object of a global root.
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
    ///     let global = m.global_new(std::ptr::null_mut());
    ///     assert!(m.global_get(global).is_null());
    ///     m.global_free(global);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn global_get(self, cell: *mut GlobalCell) -> *mut Object {
        // SAFETY: [C1] the caller's cell.
        unsafe { &*cell }.get()
    }

    /// Sets a global root to an object (or null), which is published. Never collects.
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
    ///     let global = m.global_new(std::ptr::null_mut());
    ///     m.global_set(global, m.alloc(&NODE));
    ///     assert!(m.is_public(m.global_get(global)));
    ///     m.global_free(global);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn global_set(self, cell: *mut GlobalCell, object: *mut Object) {
        // SAFETY: [C1] the caller's cell, not null.
        unsafe { self.record().global_set(NonNull::new_unchecked(cell), object) };
    }

    /// Frees a global root (or null). False, and nothing has happened, if it is another heap's, or has been freed already and not
    /// been given out again since.
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
    ///     m.global_free(m.global_new(m.alloc(&NODE)));
    ///     assert!(m.global_free(std::ptr::null_mut()), "does nothing");
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn global_free(self, cell: *mut GlobalCell) -> bool {
        // SAFETY: [C1] the caller's cell.
        NonNull::new(cell).is_none_or(|cell| unsafe { globals::global_free(self.record().shared(), cell) })
    }

    /// Makes a weak reference to an object, which is published. Never null, never collects.
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
    ///     let node = m.root(m.alloc(&NODE));
    ///     let weak = m.weak_new(*node);
    ///     m.collect_full();
    ///     assert_eq!(m.weak_get(weak), *node);
    ///     m.weak_free(weak);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn weak_new(self, object: *mut Object) -> *mut WeakCell {
        // SAFETY: [C1] the caller's object.
        unsafe { self.record().weak_new(object) }.as_ptr()
    }

    /// The object of a weak reference, null once it has died. Never collects, never waits.
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
    ///     m.collect_full();
    ///     assert!(m.weak_get(weak).is_null(), "it has died");
    ///     m.weak_free(weak);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn weak_get(self, cell: *mut WeakCell) -> *mut Object {
        // SAFETY: [C1] the caller's cell, not null.
        unsafe { self.record().weak_get(NonNull::new_unchecked(cell)) }
    }

    /// Frees a weak reference (or null). False, and nothing has happened, if it is another heap's, or has been freed already and
    /// not been given out again since.
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
    ///     m.weak_free(m.weak_new(m.alloc(&NODE)));
    ///     assert!(m.weak_free(std::ptr::null_mut()), "does nothing");
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn weak_free(self, cell: *mut WeakCell) -> bool {
        // SAFETY: [C1] the caller's cell.
        NonNull::new(cell).is_none_or(|cell| unsafe { weak::weak_free(self.record().shared(), cell) })
    }
}
