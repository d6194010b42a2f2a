//! Private roots, one at a time, and the scopes that they go with.

use super::mutator::Mutator;
use crate::Error;
use crate::mutator::roots::Height;
use crate::object::Object;
use rustix::io::Errno;

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// Opens a scope of roots.
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
    ///     let scope = m.scope_open();
    ///     let node = m.root(m.alloc(&NODE));
    ///     assert!(!(*node).is_null());
    ///     assert!(m.scope_close(scope)); // the root is gone
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn scope_open(self) -> usize {
        // SAFETY: [L1] the owner.
        unsafe { self.record().local() }.roots.len()
    }

    /// Closes a scope and all that were opened after it; false if it is not open.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let (outer, inner) = (m.scope_open(), m.scope_open());
    ///     assert!(m.scope_close(inner) && m.scope_close(outer)); // in this order
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn scope_close(self, scope: usize) -> bool {
        // SAFETY: [L1] the owner.
        unsafe { self.record().local() }.roots.truncate(scope)
    }

    /// How high the root stack is, for [`Mutator::cut_roots`].
    #[inline(always)]
    pub(crate) unsafe fn root_height(self) -> Height {
        // SAFETY: [L1] the owner.
        unsafe { self.record().local() }.roots.height()
    }

    /// Closes a scope, as `scope_close`, that was opened at this height.
    #[inline(always)]
    pub(crate) unsafe fn cut_roots(self, height: Height) {
        // SAFETY: [L1] the owner.
        unsafe { self.record().local() }.roots.cut(height);
    }

    /// Closes a scope, as `cut_roots`, and roots one of its objects in the one around it; it has a root at least.
    #[inline(always)]
    pub(crate) unsafe fn cut_roots_to_one(self, height: Height, object: *mut Object) -> *mut *mut Object {
        // SAFETY: [L1] the owner.
        unsafe { self.record().local() }.roots.cut_to_one(height, object)
    }

    /// Roots an object (or null): a slot that the collector updates, valid until its scope closes. The caller may
    /// overwrite it. Never collects.
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
    ///     m.collect_minor(); // the slot is updated
    ///     assert!(m.owns(*node));
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline(always)]
    pub unsafe fn root(self, object: *mut Object) -> *mut *mut Object {
        // SAFETY: [L1] the owner.
        unsafe { self.record().local() }.roots.push(object)
    }

    /// As [`Mutator::root`], where one root too many must not panic. Never collects.
    ///
    /// ```
    /// # let heap = handfast::raw::Heap::new(&handfast::Config::default())?;
    /// # let m = heap.attach()?;
    /// unsafe {
    ///     let slot = m.try_root(std::ptr::null_mut())?;
    ///     assert!((*slot).is_null());
    ///     m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Os`]: there is no memory for one more, or the thread has as many as there are addresses for.
    #[inline]
    pub unsafe fn try_root(self, object: *mut Object) -> Result<*mut *mut Object, Error> {
        // SAFETY: [L1] the owner.
        let roots = &mut unsafe { self.record().local() }.roots;
        if roots.has_room() {
            return Ok(roots.push(object));
        }
        Err(Error::Os { what: "memory for the roots of a thread", code: Errno::NOMEM.raw_os_error() })
    }
}
