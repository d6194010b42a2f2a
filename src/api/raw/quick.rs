//! The simplest cases of what C calls most, for the C interface: no panic, so that it need not be caught, and no call
//! but a last one, so that nothing need be saved. Who is answered null, nothing or false calls the whole function.
//!
//! Allocation likewise is in `ahead.rs`.

use super::mutator::Mutator;
use crate::handle::local_links::LocalLinks;
use crate::handle::{LinkFlags, PyObject};
use crate::mutator::barrier::Rest;
use crate::object::Object;
use std::ffi::c_void;

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// [`Mutator::store`] where little has to be published or remembered first, else false and nothing is done.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn store_quick(self, source: *mut Object, offset: usize, value: *mut Object) -> bool {
        let (record, slot) = (self.record(), Object::payload(source).wrapping_add(offset).cast());
        // SAFETY: [S1] the caller names a slot of a live object.
        match unsafe { record.store_quick(source, slot, value) } {
            Rest::Nothing => true,
            // SAFETY: [S1] as above.
            Rest::Publish => unsafe { record.store_alone(slot, value) },
            Rest::All => false,
        }
    }

    /// [`Mutator::handle`] in its simplest cases, else null.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn handle_quick(
        self,
        object: *mut Object,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
    ) -> *mut PyObject {
        // SAFETY: [K4] the caller's object.
        unsafe { LocalLinks::handle_quick(self.record(), object, size, ob_type, flags) }
    }

    /// [`Mutator::pyobject_new`] likewise.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn pyobject_new_quick(self, size: usize, ob_type: *mut c_void) -> *mut PyObject {
        // SAFETY: [L1] the owner.
        unsafe { LocalLinks::make_quick(self.record(), size, ob_type) }
    }

    /// [`Mutator::to_obj`] in its simplest cases.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn to_obj_quick(self, ob: *mut PyObject) -> Option<*mut Object> {
        // SAFETY: [K2] the caller's object.
        unsafe { LocalLinks::cross_quick(self.record(), ob) }
    }
}
