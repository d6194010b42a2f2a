//! A counted reference that drops itself; and how references are counted.
//!
//! Counts change under the extension lock only ([X8]), so that a load and a store do what elsewhere takes an exchange.
//! `include/hfpy/object.h` does the same for C. A count that is immortal, absurdly high or negative is left to handfast.

use crate::layout::{Ob, raw_ob};
use handfast::raw::{CHECKED, IMMORTAL, PyObject as RawObject};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicIsize, Ordering};

/// A reference of which this value owns the count.
#[derive(Debug)]
#[repr(transparent)]
pub struct Own(NonNull<crate::layout::PyObject>);

impl Own {
    /// A new reference to what the caller borrows; `None` of null.
    #[inline]
    pub fn new_shared(ob: Ob) -> Option<Own> {
        (!ob.is_null()).then(|| Own::share(ob))
    }

    /// Takes over a reference that the caller owned; `None` of null.
    #[inline]
    pub fn new(ob: Ob) -> Option<Own> {
        NonNull::new(ob).map(Own)
    }

    /// Takes over a reference that is known not to be null.
    #[inline]
    pub fn steal(ob: Ob) -> Own {
        Own(NonNull::new(ob).expect("a reference is not null"))
    }

    /// A new reference to what the caller borrows.
    #[inline]
    pub fn share(ob: Ob) -> Own {
        incref(ob);
        Own::steal(ob)
    }

    /// The object, borrowed.
    #[inline]
    pub fn ob(&self) -> Ob {
        self.0.as_ptr()
    }

    /// Hands the reference to the caller.
    #[inline]
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
    #[inline]
    fn drop(&mut self) {
        decref(self.ob());
    }
}

/// The count of an object. Atomic, for the collector reads it at any time.
#[inline(always)]
fn count<'a>(ob: Ob) -> &'a AtomicIsize {
    // SAFETY: [X2] whoever has the address holds or borrows it.
    unsafe { AtomicIsize::from_ptr(&raw mut (*ob).ob_refcnt) }
}

/// Sets the count of an object that nobody holds.
#[inline(always)]
pub fn set(ob: Ob, references: isize) {
    count(ob).store(references, Ordering::Relaxed);
}

/// Whether a count is neither immortal nor absurd, nor negative.
#[inline(always)]
const fn is_ordinary(count: isize) -> bool {
    count as usize >> 56 == 0
}

/// Takes a reference.
#[inline]
pub fn incref(ob: Ob) {
    let references = count(ob).load(Ordering::Relaxed);
    if is_ordinary(references) && !CHECKED {
        // A load and a store: see [X8].
        return count(ob).store(references + 1, Ordering::Relaxed);
    }
    if references & IMMORTAL == 0 || CHECKED {
        // SAFETY: [X2] whoever has the address holds or borrows it.
        unsafe { RawObject::incref(raw_ob(ob)) }
    }
}

/// Drops a reference.
#[inline]
pub fn decref(ob: Ob) {
    let references = count(ob).load(Ordering::Relaxed);
    if is_ordinary(references) && !CHECKED {
        // A load and a store: see [X8]. Release, [C-last]: a collector that reads 1 sees what was done before.
        count(ob).store(references - 1, Ordering::Release);
        if references <= 1 {
            // SAFETY: [X2] the last reference is gone, or there was none.
            unsafe { crate::type_alloc::reached_zero(ob) };
        }
        return;
    }
    if references & IMMORTAL == 0 || CHECKED {
        // SAFETY: [X2] the caller gives up a reference that it owns.
        unsafe { RawObject::decref(raw_ob(ob)) }
    }
}

/// Drops a reference, if there is one.
pub fn xdecref(ob: Ob) {
    if !ob.is_null() {
        decref(ob);
    }
}
