//! What the embedder is told when something dies: dealloc, the notifier and the dead queue.

use super::heap::Heap;
use crate::handle::{DeadNotifier, Dealloc, PyObject, death};
use std::ffi::c_void;

/// Whether the calling thread is in a dealloc of some heap: it may not detach there. For the C interface.
#[doc(hidden)]
pub fn in_dealloc() -> bool {
    death::in_dealloc()
}

impl Heap {
    /// Sets what happens to a C-only object whose count reaches zero. Without one its memory is freed.
    ///
    /// ```
    /// use handfast::raw::{Heap, PyObject};
    /// use std::ffi::c_void;
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// use handfast::Config;
    ///
    /// static CALLS: AtomicU32 = AtomicU32::new(0);
    ///
    /// unsafe extern "C" fn dealloc(ob: *mut PyObject, calls: *mut c_void) {
    ///     // SAFETY: a counter that outlives the heap, and an object that nobody refers to.
    ///     unsafe {
    ///         (*calls.cast::<AtomicU32>()).fetch_add(1, Relaxed);
    ///         PyObject::free(ob);
    ///     }
    /// }
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     heap.set_dealloc(Some(dealloc), (&raw const CALLS).cast_mut().cast());
    ///     PyObject::decref(m.pyobject_new(24, std::ptr::null_mut()));
    ///     assert_eq!(CALLS.load(Relaxed), 1);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// `dealloc` may be called with `arg` by any thread from now on. It may do whatever does not collect.
    pub unsafe fn set_dealloc(&self, dealloc: Option<Dealloc>, arg: *mut c_void) {
        self.0.links.dealloc.set(dealloc, arg);
    }

    /// The same with a Rust function, which may panic: the panic ends in the heap, which reports it, and everything else that
    /// is due is done. (A panic in a function that is `extern "C"` aborts the process.)
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
    ///     // SAFETY: it frees the object.
    ///     heap.set_dealloc_fn(|ob| unsafe { PyObject::free(ob) });
    ///     PyObject::decref(m.pyobject_new(24, std::ptr::null_mut()));
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// As [`Heap::set_dealloc`].
    pub unsafe fn set_dealloc_fn(&self, dealloc: fn(*mut PyObject)) {
        self.0.links.dealloc.set(Some(crate::handle::death::call_dealloc), dealloc as *mut c_void);
    }

    /// Sets what is called, at a safepoint of some mutator, after a collection that queued dead objects.
    ///
    /// ```
    /// use handfast::raw::{Heap, LinkFlags, PyObject, TypeInfo};
    /// use std::ffi::c_void;
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    /// static CALLS: AtomicU32 = AtomicU32::new(0);
    ///
    /// unsafe extern "C" fn notify(_arg: *mut c_void) {
    ///     CALLS.fetch_add(1, Relaxed);
    /// }
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     heap.set_dead_notifier(Some(notify), std::ptr::null_mut());
    ///     PyObject::decref(m.handle(m.alloc(&NODE), 24, std::ptr::null_mut(), LinkFlags::NONE));
    ///     m.collect_full();
    ///     assert_eq!(CALLS.load(Relaxed), 1);
    ///     PyObject::decref(heap.next_dead());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// `notify` may be called with `arg` by any attached thread from now on.
    pub unsafe fn set_dead_notifier(&self, notify: Option<DeadNotifier>, arg: *mut c_void) {
        self.0.links.notifier.set(notify, arg);
    }

    /// The next dead `PyObject`: unlinked, count 1, valid until it is freed. Null when there is none. Any thread.
    ///
    /// ```
    /// use handfast::raw::{Heap, LinkFlags, PyObject, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let ob = m.handle(m.alloc(&NODE), 24, std::ptr::null_mut(), LinkFlags::NONE);
    ///     PyObject::decref(ob);
    ///     m.collect_full(); // nobody holds either side
    ///     assert_eq!(heap.next_dead(), ob);
    ///     assert!(heap.next_dead().is_null());
    ///     PyObject::decref(ob);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn next_dead(&self) -> *mut PyObject {
        self.0.links.next_dead()
    }
}
