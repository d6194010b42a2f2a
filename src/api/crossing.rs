//! Crossings of the typed layer: from objects to their `PyObject`s and back. None of them collects.

use crate::Error;
use crate::api::local::Ref;
use crate::api::pyref::PyRef;
use crate::api::raw;
use crate::api::reference::Reference;
use crate::api::scope::{Scope, out_of_memory};
use crate::api::trace::Managed;
use crate::handle::{LinkFlags, PyObject};
use crate::object::{Object, TypeInfo};
use std::any::TypeId;
use std::ffi::c_void;
use std::ptr::NonNull;

/// Whether an object is one of the typed layer's, of type `T`.
#[inline]
fn is_a<T: Managed>(info: *const TypeInfo) -> bool {
    if std::ptr::eq(info, T::INFO) {
        return true; // its type id is part of the description, so no other type's can be at this address
    }
    // A type may have more than one description, one for each crate that uses it.
    // SAFETY: [Y9] a description outlives the objects that name it.
    unsafe { (*info).type_id }.is_some_and(|id| id() == TypeId::of::<T>())
}

/// Crossings. None of them collects.
impl Scope<'_> {
    /// The handle of `object`: always the same address while linked, made when there is none yet, `size` bytes with
    /// `ob_type` in it. The result is a new counted reference.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE)?;
    ///     let again = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE)?;
    ///     assert_eq!((again.as_ptr(), again.refcnt()), (handle.as_ptr(), 2));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `size` is too small for a `PyObject`; [`Error::OutOfMemory`].
    ///
    /// # Panics
    /// If it is an object of another heap.
    #[allow(clippy::not_unsafe_ptr_arg_deref, reason = "`ob_type` is stored and never followed")]
    pub fn handle<R: Reference>(
        &self,
        object: R,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
    ) -> Result<PyRef, Error> {
        check_size("Scope::handle", size)?;
        let object = self.borrow(object).object();
        // SAFETY: [Y4] valid and of this heap, by `borrow`.
        let ob = unsafe { self.raw().handle(object, size, ob_type, flags) };
        self.owned(ob, size)
    }

    /// As [`Scope::handle`], for a `PyObject` with fields of the embedder's own: a new one is filled by `fill`, which is
    /// handed the object and the zeroed bytes after the head, before any other thread and C can know it.
    ///
    /// `fill` may run although another thread's handle is used in the end; its `PyObject` is then freed silently.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let word = s.alloc_bytes(b"handfast")?;
    ///     let handle = s.handle_with(word, 24 + 8, std::ptr::null_mut(), LinkFlags::LIGHT, |word, body| {
    ///         body.copy_from_slice(word.as_slice());
    ///     })?;
    ///     // What C reads there:
    ///     let body = unsafe { std::slice::from_raw_parts(handle.as_ptr().cast::<u8>().add(24), 8) };
    ///     assert_eq!(body, b"handfast");
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Scope::handle`].
    ///
    /// # Panics
    /// As [`Scope::handle`], or if `fill` does; nothing is linked then.
    #[allow(clippy::not_unsafe_ptr_arg_deref, reason = "`ob_type` is stored and never followed")]
    pub fn handle_with<R: Reference>(
        &self,
        object: R,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
        fill: impl FnOnce(Ref<'_, R::Target>, &mut [u8]),
    ) -> Result<PyRef, Error> {
        /// Frees the object unless it was linked; nobody but its maker knows it.
        struct Unlinked(NonNull<PyObject>);
        impl Drop for Unlinked {
            fn drop(&mut self) {
                // SAFETY: [Y8] made below, with one count and no link, and given to nobody.
                unsafe { PyObject::free(self.0.as_ptr()) };
            }
        }

        check_size("Scope::handle_with", size)?;
        let object = self.borrow(object);
        if let Some(handle) = self.from_obj(object) {
            return Ok(handle);
        }
        // SAFETY: [Y1] this thread's mutator.
        let ob = unsafe { self.raw().pyobject_new(size, ob_type) };
        let new = Unlinked(NonNull::new(ob).ok_or_else(|| out_of_memory(self.heap(), size))?);
        let head = size_of::<PyObject>();
        // SAFETY: [Y8] `size` bytes, which is not less than the head.
        let body = unsafe { ob.cast::<u8>().add(head) };
        // SAFETY: [Y8] zeroed when it was made; nobody else knows it.
        fill(object, unsafe { std::slice::from_raw_parts_mut(body, size - head) });
        // SAFETY: [Y8] both are valid and of this heap.
        match unsafe { self.raw().link_gc_owned(object.object(), ob, flags) } {
            Ok(()) => {
                std::mem::forget(new);
                self.owned(ob, size)
            }
            // Another thread was first (or `fill`): the pair lives at least as long as `object`, which `self` keeps.
            Err(Error::AlreadyLinked) => {
                drop(new);
                self.from_obj(object).ok_or(Error::AlreadyLinked)
            }
            Err(error) => Err(error),
        }
    }

    /// A new `PyObject` without a GC side, with a count of one, `size` bytes and zeroed after its head.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let ob = s.pyobject(64, std::ptr::null_mut())?;
    ///     assert!(ob.is_unique() && s.to_obj::<u64>(&ob).is_none());
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `size` is too small for a `PyObject`; [`Error::OutOfMemory`].
    #[allow(clippy::not_unsafe_ptr_arg_deref, reason = "`ob_type` is stored and never followed")]
    pub fn pyobject(&self, size: usize, ob_type: *mut c_void) -> Result<PyRef, Error> {
        check_size("Scope::pyobject", size)?;
        // SAFETY: [Y1] this thread's mutator.
        let ob = unsafe { self.raw().pyobject_new(size, ob_type) };
        self.owned(ob, size)
    }

    /// Links `object` and `ob`, which was made for it. The link takes a count of its own. (PyPy's `create_link_pypy`.)
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let ob = s.pyobject(32, std::ptr::null_mut())?;
    ///     s.link_gc_owned(object, &ob, LinkFlags::NONE)?;
    ///     assert_eq!(s.from_obj(object).map(|found| found.as_ptr()), Some(ob.as_ptr()));
    ///     assert_eq!(s.to_obj::<u64>(&ob).as_deref(), Some(&7));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyLinked`]: one of the two is linked, and nothing has changed.
    ///
    /// # Panics
    /// If one of them is of another heap.
    pub fn link_gc_owned<R: Reference>(&self, object: R, ob: &PyRef, flags: LinkFlags) -> Result<(), Error> {
        self.check_heap(ob.heap());
        let object = self.borrow(object).object();
        // SAFETY: [Y8] both are valid and of this heap.
        unsafe { self.raw().link_gc_owned(object, ob.as_ptr(), flags) }
    }

    /// Links `object` and `ob`, for which it was made. The link takes a count of its own, and the pair lives by the same rule as
    /// one of [`Scope::link_gc_owned`]: a tag in `ob_pypy_link` tells the two apart, for who reads it. (PyPy's
    /// `create_link_pyobj`.)
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let ob = s.pyobject(32, std::ptr::null_mut())?; // a struct of C, which comes to the runtime
    ///     let proxy = s.alloc(0_u64)?;
    ///     s.link_c_owned(proxy, &ob, LinkFlags::NONE)?;
    ///     assert!(s.link_c_owned(proxy, &ob, LinkFlags::NONE).is_err(), "once");
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyLinked`]: one of the two is linked, and nothing has changed.
    ///
    /// # Panics
    /// If one of them is of another heap.
    pub fn link_c_owned<R: Reference>(&self, object: R, ob: &PyRef, flags: LinkFlags) -> Result<(), Error> {
        self.check_heap(ob.heap());
        let object = self.borrow(object).object();
        // SAFETY: [Y8] both are valid and of this heap.
        unsafe { self.raw().link_c_owned(object, ob.as_ptr(), flags) }
    }

    /// The handle of `object`, if it has one, as a new counted reference.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     assert!(s.from_obj(object).is_none());
    ///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE)?;
    ///     assert_eq!(s.from_obj(object).map(|found| found.as_ptr()), Some(handle.as_ptr()));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If it is an object of another heap.
    pub fn from_obj<R: Reference>(&self, object: R) -> Option<PyRef> {
        let object: *mut Object = self.borrow(object).object();
        // SAFETY: [Y4] valid and of this heap, by `borrow`.
        let ob = NonNull::new(unsafe { self.raw().from_obj(object) })?;
        // SAFETY: [Y8] linked to a live object, so valid: both or none.
        unsafe { PyObject::incref(ob.as_ptr()) };
        // SAFETY: [Y8] the count just taken is given to the result.
        Some(unsafe { PyRef::from_raw(self, ob) })
    }

    /// The object that `ob` is linked to, if it is a `T`. `None` when it is not linked or the object has another type.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE)?;
    ///     assert_eq!(s.to_obj::<u64>(&handle).as_deref(), Some(&7));
    ///     assert!(s.to_obj::<u32>(&handle).is_none());
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If it is of another heap.
    pub fn to_obj<'a, T: Managed>(&'a self, ob: &PyRef) -> Option<Ref<'a, T>> {
        self.check_heap(ob.heap());
        // SAFETY: [Y8] valid, since `ob` holds a count, and of this heap.
        let object = NonNull::new(unsafe { self.raw().to_obj(ob.as_ptr()) })?;
        // SAFETY: [Y8] linked to something counted, so alive: both or none.
        let info = unsafe { raw::type_of(object.as_ptr()) };
        // SAFETY: [Y9] a live object of this heap, and a `T`.
        is_a::<T>(info).then(|| unsafe { Ref::new(object) })
    }

    /// The next of the dead queue: a `PyObject` whose pair has died. It is unlinked, and the result holds its last
    /// count; to drop that is to run the heap's dealloc on it. Each is delivered once.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let ob = s.scope(|t| {
    ///         let object = t.alloc(1_u64)?;
    ///         t.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE).map(|handle| handle.as_ptr())
    ///     })?;
    ///     s.collect_full(); // nobody holds either side
    ///     while let Some(dead) = s.next_dead() {
    ///         assert_eq!((dead.as_ptr(), dead.refcnt()), (ob, 1)); // what the embedder knows of it can be forgotten here
    ///     }
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn next_dead(&self) -> Option<PyRef> {
        let ob = NonNull::new(self.heap().next_dead())?;
        // SAFETY: [Y8] unlinked, valid until it is freed, with a count of one that nobody else owns.
        Some(unsafe { PyRef::from_raw(self, ob) })
    }

    fn owned(&self, ob: *mut PyObject, size: usize) -> Result<PyRef, Error> {
        let ob = NonNull::new(ob).ok_or_else(|| out_of_memory(self.heap(), size))?;
        // SAFETY: [Y8] just made or counted for us.
        Ok(unsafe { PyRef::from_raw(self, ob) })
    }
}

fn check_size(function: &'static str, size: usize) -> Result<(), Error> {
    if size < size_of::<PyObject>() {
        return Err(Error::InvalidArgument { function, reason: "size is less than that of a PyObject" });
    }
    Ok(())
}
