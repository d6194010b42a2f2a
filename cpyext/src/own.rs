//! A counted reference that drops itself; and how references are counted.
//!
//! Counts change under the extension lock only ([X8]), so that a load and a store do what elsewhere takes an exchange.
//! `include/hfpy/object.h` does the same for C. Nothing is tested before: those of immortal objects change as well, from
//! a number ([`FOREVER`]) so far from both ends of what is immortal that no program gets there. A count that is negative
//! is left to handfast, which reports it.

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

/// Added to the count of an immortal object: as many references may be dropped that nobody took before the immortal bit is
/// gone, or taken before a negative number is reached.
const MARGIN: isize = 1 << 58;
/// The count of an immortal object when it begins.
pub const FOREVER: isize = IMMORTAL | MARGIN;

/// Makes an object immortal.
pub fn immortal(ob: Ob) {
    // SAFETY: [X2] alive.
    unsafe { RawObject::set_immortal(raw_ob(ob)) };
    let references = count(ob).load(Ordering::Relaxed);
    count(ob).store(references | MARGIN, Ordering::Relaxed);
}

/// Takes a reference.
#[inline]
pub fn incref(ob: Ob) {
    if CHECKED {
        // SAFETY: [X2] whoever has the address holds or borrows it.
        return unsafe { RawObject::incref(raw_ob(ob)) };
    }
    // A load and a store: see [X8].
    let references = count(ob).load(Ordering::Relaxed).wrapping_add(1);
    count(ob).store(references, Ordering::Relaxed);
    if references < 0 {
        negative(ob);
    }
}

/// A reference was taken to something that has been freed, or whose count is broken otherwise.
#[cold]
#[inline(never)]
pub fn negative(ob: Ob) {
    count(ob).fetch_sub(1, Ordering::Relaxed);
    // SAFETY: [X2] whoever has the address says that it holds or borrows it.
    unsafe { RawObject::incref(raw_ob(ob)) }
}

/// Drops a reference.
#[inline]
pub fn decref(ob: Ob) {
    if CHECKED {
        // SAFETY: [X2] the caller gives up a reference that it owns.
        return unsafe { RawObject::decref(raw_ob(ob)) };
    }
    // A load and a store: see [X8]. Release, [C-last]: a collector that reads 1 sees what was done before.
    let references = count(ob).load(Ordering::Relaxed).wrapping_sub(1);
    count(ob).store(references, Ordering::Release);
    if references <= 0 {
        // SAFETY: [X2] the last reference is gone, or there was none.
        unsafe { crate::type_alloc::reached_zero(ob) };
    }
}

/// Drops a reference unless it is the last; whether it did.
#[inline(always)]
pub fn decref_unless_last(ob: Ob) -> bool {
    let references = count(ob).load(Ordering::Relaxed);
    if references <= 1 || CHECKED {
        return false;
    }
    // As in `decref`.
    count(ob).store(references - 1, Ordering::Release);
    true
}

/// Drops a reference, if there is one.
#[inline]
pub fn xdecref(ob: Ob) {
    if !ob.is_null() {
        decref(ob);
    }
}
