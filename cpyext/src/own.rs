//! A counted reference that drops itself.

use crate::layout::{Ob, raw_ob};
use handfast::raw::PyObject as RawObject;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// A reference of which this value owns the count.
#[derive(Debug)]
#[repr(transparent)]
pub struct Own(NonNull<crate::layout::PyObject>);

impl Own {
    /// A new reference to what the caller borrows; `None` of null.
    pub fn new_shared(ob: Ob) -> Option<Own> {
        (!ob.is_null()).then(|| Own::share(ob))
    }

    /// Takes over a reference that the caller owned; `None` of null.
    pub fn new(ob: Ob) -> Option<Own> {
        NonNull::new(ob).map(Own)
    }

    /// Takes over a reference that is known not to be null.
    pub fn steal(ob: Ob) -> Own {
        Own(NonNull::new(ob).expect("a reference is not null"))
    }

    /// A new reference to what the caller borrows.
    pub fn share(ob: Ob) -> Own {
        incref(ob);
        Own::steal(ob)
    }

    /// The object, borrowed.
    pub fn ob(&self) -> Ob {
        self.0.as_ptr()
    }

    /// Hands the reference to the caller.
    pub fn into_raw(self) -> Ob {
        ManuallyDrop::new(self).0.as_ptr()
    }
}

impl Clone for Own {
    fn clone(&self) -> Own {
        Own::share(self.ob())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        decref(self.ob());
    }
}

/// Takes a reference.
#[inline]
pub fn incref(ob: Ob) {
    // SAFETY: [X2] whoever has the address holds or borrows it.
    unsafe { RawObject::incref(raw_ob(ob)) }
}

/// Drops a reference.
#[inline]
pub fn decref(ob: Ob) {
    // SAFETY: [X2] the caller gives up a reference that it owns.
    unsafe { RawObject::decref(raw_ob(ob)) }
}

/// Drops a reference, if there is one.
pub fn xdecref(ob: Ob) {
    if !ob.is_null() {
        decref(ob);
    }
}
