//! `PyObject`s, links, and the crossings between the two sides.

use super::mutator::Mutator;
use crate::Error;
use crate::handle::links::LinkError;
use crate::handle::local_links::LocalLinks;
use crate::handle::{LinkFlags, PyObject};
use crate::object::Object;
use std::ffi::c_void;

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// A C-only `PyObject` of `size` bytes with count 1, zeroed otherwise; null when memory is out or `size` is below 24.
    ///
    /// ```
    /// use handfast::raw::{Heap, LinkFlags, PyObject, TypeInfo};
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let ob = m.pyobject_new(64, std::ptr::null_mut());
    ///     assert_eq!(PyObject::refcnt(ob), 1);
    ///     PyObject::decref(ob);
    ///     assert!(m.pyobject_new(8, std::ptr::null_mut()).is_null(), "less than the head");
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn pyobject_new(self, size: usize, ob_type: *mut c_void) -> *mut PyObject {
        // SAFETY: [L1] the owner.
        unsafe { LocalLinks::make(self.record(), size, ob_type) }
    }

    /// From now on all rules hold for memory of the embedder's own; handfast never frees it. A count below 1 becomes 1.
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
    ///     let mut memory: Box<PyObject> = Box::new(std::mem::zeroed()); // somebody else's
    ///     m.pyobject_adopt(&raw mut *memory, size_of::<PyObject>())?;
    ///     let node = m.root(m.alloc(&NODE));
    ///     m.link_gc_owned(*node, &raw mut *memory, LinkFlags::NONE)?;
    ///     PyObject::decref(&raw mut *memory); // our count; the link has its own
    ///     *node = std::ptr::null_mut();
    ///     m.collect_full(); // nobody holds either side
    ///     assert_eq!(heap.next_dead(), &raw mut *memory);
    ///     m.pyobject_disown(&raw mut *memory)?;
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: null, too small, not aligned, ours already, adopted already.
    pub unsafe fn pyobject_adopt(self, ob: *mut PyObject, size: usize) -> Result<(), Error> {
        let function = "pyobject_adopt";
        if ob.is_null() {
            return Err(Error::InvalidArgument { function, reason: "ob is null" });
        }
        // SAFETY: [K2] the caller's memory.
        unsafe { self.inner().links.adopt(ob, size) }.map_err(|reason| Error::InvalidArgument { function, reason })
    }

    /// Lets go of adopted memory, which is unlinked by now.
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
    ///     let mut memory: Box<PyObject> = Box::new(std::mem::zeroed());
    ///     m.pyobject_adopt(&raw mut *memory, size_of::<PyObject>())?;
    ///     m.pyobject_disown(&raw mut *memory)?; // ours again
    ///     assert!(m.pyobject_disown(&raw mut *memory).is_err());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: null, not adopted, linked still.
    pub unsafe fn pyobject_disown(self, ob: *mut PyObject) -> Result<(), Error> {
        let function = "pyobject_disown";
        if ob.is_null() {
            return Err(Error::InvalidArgument { function, reason: "ob is null" });
        }
        // SAFETY: [K2] the caller's memory.
        unsafe { self.inner().links.disown(ob) }.map_err(|reason| Error::InvalidArgument { function, reason })
    }

    unsafe fn link(
        self,
        function: &'static str,
        object: *mut Object,
        ob: *mut PyObject,
        flags: LinkFlags,
        c_owned: bool,
    ) -> Result<(), Error> {
        if object.is_null() || ob.is_null() {
            return Err(Error::InvalidArgument { function, reason: "p or ob is null" });
        }
        if flags.0 & !LinkFlags::LIGHT.0 != 0 {
            return Err(Error::InvalidArgument { function, reason: "unknown link flags" });
        }
        // SAFETY: [K4] the caller's objects.
        unsafe { LocalLinks::link(self.record(), object, ob, flags, c_owned) }.map_err(|e| match e {
            LinkError::AlreadyLinked => Error::AlreadyLinked,
            LinkError::Foreign => Error::InvalidArgument {
                function,
                reason: "the memory of ob is neither this heap's nor adopted (pyobject_adopt)",
            },
        })
    }

    /// Links an object with an unlinked `PyObject`; the link adds its own count. Never collects.
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
    ///     let (node, ob) = (m.alloc(&NODE), m.pyobject_new(32, std::ptr::null_mut()));
    ///     m.link_gc_owned(node, ob, LinkFlags::LIGHT)?;
    ///     assert_eq!((m.from_obj(node), m.to_obj(ob)), (ob, node));
    ///     PyObject::decref(ob); // the link has a count of its own
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyLinked`] (nothing has changed), [`Error::InvalidArgument`].
    pub unsafe fn link_gc_owned(self, object: *mut Object, ob: *mut PyObject, flags: LinkFlags) -> Result<(), Error> {
        // SAFETY: [K4] the caller's objects.
        unsafe { self.link("link_gc_owned", object, ob, flags, false) }
    }

    /// As [`Mutator::link_gc_owned`], for a pair that was made from C's side.
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
    ///     let (ob, proxy) = (m.pyobject_new(32, std::ptr::null_mut()), m.alloc(&NODE));
    ///     m.link_c_owned(proxy, ob, LinkFlags::LIGHT)?;
    ///     assert!(m.link_c_owned(proxy, ob, LinkFlags::LIGHT).is_err(), "once");
    ///     PyObject::decref(ob);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mutator::link_gc_owned`].
    pub unsafe fn link_c_owned(self, object: *mut Object, ob: *mut PyObject, flags: LinkFlags) -> Result<(), Error> {
        // SAFETY: [K4] the caller's objects.
        unsafe { self.link("link_c_owned", object, ob, flags, true) }
    }

    /// Gets or atomically makes the handle of an object: always the same while linked. A new counted reference; null when
    /// memory is out or `size` is below 24. Never collects.
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
    ///     let node = m.alloc(&NODE);
    ///     let ob = m.handle(node, 24, std::ptr::null_mut(), LinkFlags::LIGHT);
    ///     assert_eq!(m.handle(node, 24, std::ptr::null_mut(), LinkFlags::LIGHT), ob);
    ///     PyObject::decref(ob);
    ///     PyObject::decref(ob);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn handle(
        self,
        object: *mut Object,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
    ) -> *mut PyObject {
        // SAFETY: [K4] the caller's object.
        unsafe { LocalLinks::handle(self.record(), object, size, ob_type, flags) }
    }

    /// The handle of an object, borrowed; null when it has none. Never collects.
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
    ///     let node = m.alloc(&NODE);
    ///     assert!(m.from_obj(node).is_null());
    ///     let ob = m.handle(node, 24, std::ptr::null_mut(), LinkFlags::LIGHT);
    ///     assert_eq!(m.from_obj(node), ob);
    ///     PyObject::decref(ob);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn from_obj(self, object: *mut Object) -> *mut PyObject {
        // SAFETY: [K4] the owner, and its object.
        unsafe { LocalLinks::handle_of(self.record(), object) }
    }

    /// The object of a `PyObject`; null when it is not linked, or with an object of another heap. Never collects; may
    /// wait for the thread to which the object is private, which publishes it.
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
    ///     let node = m.root(m.alloc(&NODE));
    ///     let ob = m.handle(*node, 24, std::ptr::null_mut(), LinkFlags::LIGHT);
    ///     m.collect_minor(); // the object moves, its handle does not
    ///     assert_eq!(m.to_obj(ob), *node);
    ///     PyObject::decref(ob);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn to_obj(self, ob: *mut PyObject) -> *mut Object {
        // SAFETY: [K2] the caller's object.
        unsafe { LocalLinks::cross(self.record(), ob) }
    }
}
