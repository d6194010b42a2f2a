//! [`PyRef`]: a counted reference to a `PyObject`.
//!
//! Clone is incref, drop is decref; the object's pair lives by *both or none*. Counts may be touched by attached threads
//! only (the memory of an `ob` belongs to a heap that is open as long as somebody is attached), so a `PyRef` stays on
//! its thread and asks, before it touches the count, whether the thread is attached to the heap now. If it is not, the
//! reference is left to a mutator, which drops it at its next safepoint.
//!
//! To hand a reference to C, or to another thread, use [`PyRef::into_raw`] and [`PyRef::from_raw`].

use crate::api::raw;
use crate::api::scope::Scope;
use crate::handle::PyObject;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::rc::Rc;

/// A counted reference to a `PyObject`: one of the references that C code sees in `hf_refcnt`.
///
/// Neither `Send` nor `Sync`. On a thread that is not attached (any more) a clone panics; what is dropped there is given up at
/// the next safepoint of any mutator, or when the heap is closed.
///
/// ```
/// # use handfast::{Config, Heap, LinkFlags};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let object = s.alloc(7_u64)?;
///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::LIGHT)?;
///     s.collect_full();
///     assert_eq!(handle.refcnt(), 1);
///     assert_eq!(s.to_obj::<u64>(&handle).as_deref(), Some(&7));
///     assert!(s.to_obj::<u32>(&handle).is_none());
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct PyRef {
    ob: NonNull<PyObject>,
    heap: Rc<raw::Heap>,
}

impl PyRef {
    /// Whether the count may be touched: this thread is attached, so the heap is open and our count keeps `ob` valid.
    #[inline]
    fn is_attached(&self) -> bool {
        self.heap.current().is_some()
    }

    /// The heap that it is of.
    #[inline]
    pub(crate) fn heap(&self) -> &raw::Heap {
        &self.heap
    }

    #[track_caller]
    fn check(&self) {
        assert!(self.is_attached(), "a PyRef was used on a thread that is not attached to its heap");
    }

    /// The address of the `PyObject`. It never changes.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE)?;
    ///     let address = handle.as_ptr();
    ///     s.collect_full(); // the object moves, this does not
    ///     assert_eq!(s.from_obj(object).map(|found| found.as_ptr()), Some(address));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn as_ptr(&self) -> *mut PyObject {
        self.ob.as_ptr()
    }

    /// C references to it, this one among them.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE)?;
    ///     let another = handle.clone();
    ///     assert_eq!(another.refcnt(), 2);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the thread is not attached to the heap.
    pub fn refcnt(&self) -> isize {
        self.check();
        // SAFETY: [Y8] our count keeps it valid while the heap is open.
        unsafe { PyObject::refcnt(self.ob.as_ptr()) }
    }

    /// Whether this is the only reference of C's side and there is no link.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE)?;
    ///     assert!(!handle.is_unique(), "it is linked");
    ///     assert!(s.pyobject(24, std::ptr::null_mut())?.is_unique());
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the thread is not attached to the heap.
    pub fn is_unique(&self) -> bool {
        self.check();
        // SAFETY: [Y8] our count keeps it valid while the heap is open.
        unsafe { PyObject::is_unique(self.ob.as_ptr()) }
    }

    /// Makes it, and what it is linked to, live as long as the heap.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE)?;
    ///     handle.set_immortal();
    ///     drop(handle);
    ///     s.collect_full();
    ///     assert!(s.next_dead().is_none());
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the thread is not attached to the heap.
    pub fn set_immortal(&self) {
        self.check();
        // SAFETY: [Y8] our count keeps it valid while the heap is open.
        unsafe { PyObject::set_immortal(self.ob.as_ptr()) }
    }

    /// Gives up the reference without dropping the count: whoever gets the address owns one, C or another thread.
    ///
    /// ```
    /// use handfast::{Config, Heap, LinkFlags, PyRef};
    /// use std::ptr::NonNull;
    /// # let heap = Heap::new(Config::default())?;
    /// let ob = heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     s.handle(object, 24, std::ptr::null_mut(), LinkFlags::LIGHT).map(PyRef::into_raw)
    /// })?;
    /// let address = ob as usize;
    /// std::thread::scope(|threads| {
    ///     threads.spawn(|| {
    ///         heap.attach()?.scope(|s| {
    ///             // SAFETY: of this heap, and the count is ours.
    ///             let ob = unsafe { PyRef::from_raw(s, NonNull::new(address as *mut _).unwrap()) };
    ///             assert_eq!(s.to_obj::<u64>(&ob).as_deref(), Some(&7));
    ///         });
    ///         Ok::<(), handfast::Error>(())
    ///     }).join().unwrap()
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[must_use = "the count that the address owns is leaked otherwise"]
    pub fn into_raw(self) -> *mut PyObject {
        let mut this = ManuallyDrop::new(self);
        let ob = this.ob.as_ptr();
        // SAFETY: [Y8] `this` is not used again, and is not dropped.
        unsafe { std::ptr::drop_in_place(&raw mut this.heap) };
        ob
    }

    /// Takes over a counted reference.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE)?;
    ///     let address = std::ptr::NonNull::new(handle.into_raw()).unwrap();
    ///     // SAFETY: the count of the one above.
    ///     let handle = unsafe { handfast::PyRef::from_raw(s, address) };
    ///     assert_eq!(handle.refcnt(), 1);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// `ob` is a valid `PyObject` of the heap of `scope`, and the caller owns one count of it, which is given up.
    pub unsafe fn from_raw(scope: &Scope<'_>, ob: NonNull<PyObject>) -> PyRef {
        PyRef { ob, heap: Rc::clone(scope.heap()) }
    }
}

impl Clone for PyRef {
    /// # Panics
    /// If the thread is not attached to the heap.
    #[inline]
    fn clone(&self) -> PyRef {
        self.check();
        // SAFETY: [Y8] our count keeps it valid while the heap is open; the new count is the clone's.
        unsafe { PyObject::incref(self.ob.as_ptr()) };
        PyRef { ob: self.ob, heap: Rc::clone(&self.heap) }
    }
}

impl Drop for PyRef {
    #[inline]
    fn drop(&mut self) {
        if self.is_attached() {
            // SAFETY: [Y8] our count keeps it valid while the heap is open, and is given up here.
            unsafe { PyObject::decref(self.ob.as_ptr()) }
        } else {
            // SAFETY: [Y8] our count is given up here; the object is not looked at, since the heap may have been closed.
            unsafe { self.heap.drop_later(self.ob.as_ptr()) }
        }
    }
}

impl fmt::Debug for PyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PyRef").field(&self.ob).finish()
    }
}
