//! An int of a class of its own: what stands for instances of `class Int(int)` in a suite.

use crate::api;
use crate::operation::call;
use crate::owned::{Owned, Raised, kind, text};
use crate::tables::tuple;
use std::cell::Cell;
use std::ptr::null_mut;

thread_local! {
    /// Made once for a thread, and never freed.
    static CLASS: Cell<api::Ob> = const { Cell::new(null_mut()) };
}

fn class() -> Result<Owned, Raised> {
    if CLASS.get().is_null() {
        let name = text("Int");
        // SAFETY: [P3] a C string.
        let name = unsafe { Owned::new(api::PyUnicode_FromStringAndSize(name.as_ptr(), 3)) }?;
        // SAFETY: [P2] the type of ints.
        let int = unsafe { Owned::from_borrowed(kind::int()) }?;
        // SAFETY: [P1]
        let attributes = unsafe { Owned::new(api::PyDict_New()) }?;
        // SAFETY: [P2] the type of types.
        let of_types = unsafe { Owned::from_borrowed(kind::class()) }?;
        let made = call(&of_types, &tuple(&[name, tuple(&[int])?, attributes])?, None)?;
        CLASS.set(made.into_ptr());
    }
    // SAFETY: [P1] held for ever.
    unsafe { Owned::from_borrowed(CLASS.get()) }
}

/// One that is equal to this int.
pub fn new(value: Owned) -> Result<Owned, Raised> {
    call(&class()?, &tuple(&[value])?, None)
}
