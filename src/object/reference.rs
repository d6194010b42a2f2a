//! A word that holds a reference, as several threads use it: fields of public objects, global roots, and fields of old
//! private objects, which the marker reads while their owner writes.
//!
//! Each function is one step of a protocol over the word; the barrier, the minor collection and the marker are made of
//! them. Words that nobody else looks at are read and written relaxed, without these.
//!
//! # Orderings
//! - [F-put] an object's header, contents and flags → [`put`], [`exchange`], [`replace`] (release) → [`follow`],
//!   [`settled`], [`exchange`] (acquire): who finds a reference finds what it refers to whole, and public if the word is.

use crate::sync::atomic::{
    AtomicPtr,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// Stores. Release: [F-put].
#[inline(always)]
pub fn put<T>(field: &AtomicPtr<T>, value: *mut T) {
    field.store(value, Release);
}

/// Loads what may be another thread's. Acquire: [F-put].
#[inline(always)]
pub fn follow<T>(field: &AtomicPtr<T>) -> *mut T {
    field.load(Acquire)
}

/// Stores, and answers what that has overwritten: not what was read some time before, which another thread may have
/// replaced since.
#[inline]
#[must_use = "what was overwritten is to be shaded"]
pub fn exchange<T>(field: &AtomicPtr<T>, value: *mut T) -> *mut T {
    // Release and acquire: [F-put] both ways. What was overwritten may be another thread's, and its header is read next.
    field.swap(value, AcqRel)
}

/// Stores `value` if the word holds `expected`; whether it did.
#[inline]
#[must_use = "what was overwritten is to be shaded"]
pub fn replace<T>(field: &AtomicPtr<T>, expected: *mut T, value: *mut T) -> bool {
    // Success: [F-put] both ways, so that the caller sees what was done before `expected` was stored. Failure: relaxed, the
    // caller looks again with a load of its own.
    field.compare_exchange(expected, value, AcqRel, Relaxed).is_ok()
}

/// What the word refers to, if that is old: then its memory may be read. Null if it is young, or if there is nothing.
///
/// By a marker, which may meet the address of a young object that is private to another mutator and just being moved
/// (INV-4). `is_young` asks a side table with acquire ([K-old]). The owner's minor collection updates every slot before it
/// changes the table, so if the table says "old", and a second look then finds the same address, that is not one of the
/// addresses which the minor collection has replaced.
#[inline(always)]
pub fn settled<T>(field: &AtomicPtr<T>, is_young: impl Fn(usize) -> bool) -> *mut T {
    let mut object = follow(field);
    loop {
        if object.is_null() || is_young(object as usize) {
            return std::ptr::null_mut();
        }
        let again = follow(field);
        if again == object {
            return object;
        }
        object = again;
    }
}
