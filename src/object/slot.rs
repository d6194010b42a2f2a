//! Slots: the words that hold references, and how all slots of an object are enumerated.
//!
//! A slot is read and written as an atomic: the marker reads old private objects while their owner writes them.
//! Relaxed accesses are plain moves on x86-64 and aarch64. A store that makes an object visible to another thread is
//! a release store, and the load that may see it an acquire load (an acquire load is also a plain move on x86-64).

use super::{Object, TypeInfo};
use crate::sync::atomic::{AtomicPtr, Ordering};
use std::ffi::c_void;
use std::ops::Range;

/// The address of a word that holds a reference or null.
pub type Slot = *mut *mut Object;

/// The atomic view of a slot.
///
/// # Safety
/// `slot` is an aligned word that is only accessed atomically while this reference lives.
#[inline(always)]
pub unsafe fn atomic<'a>(slot: Slot) -> &'a AtomicPtr<Object> {
    // SAFETY: [S1] slots are aligned words inside live objects or cells, and every access goes through here.
    unsafe { AtomicPtr::from_ptr(slot) }
}

/// Reads a slot, relaxed.
///
/// # Safety
/// As [`atomic`].
#[inline(always)]
pub unsafe fn load(slot: Slot) -> *mut Object {
    // SAFETY: [S1] passed on to the caller.
    unsafe { atomic(slot) }.load(Ordering::Relaxed)
}

/// Calls `visit` for each slot of a live object.
///
/// # Safety
/// `object` is live and not forwarded, and `visit` does not free it.
#[inline]
pub unsafe fn for_each<F: FnMut(Slot)>(object: *mut Object, visit: F) {
    // SAFETY: [H2] the caller says that it is live.
    let ty = unsafe { (*object).type_info() };
    // SAFETY: [H2] as above.
    unsafe { for_each_in(object, ty, 0..items(object, ty), visit) };
}

/// How many items an object of this type has that are slots.
///
/// # Safety
/// As [`for_each`].
#[inline(always)]
pub unsafe fn items(object: *mut Object, ty: &TypeInfo) -> usize {
    // SAFETY: [H3] a type with items keeps their number in front of the header.
    if ty.items_are_refs && ty.trace.is_none() { unsafe { Object::items(object) } } else { 0 }
}

/// The same for some of its items; with the first of them come the slots that are no items.
///
/// # Safety
/// As [`for_each`], and it has [so many](items) items.
#[inline(always)]
pub unsafe fn for_each_in<F: FnMut(Slot)>(object: *mut Object, ty: &TypeInfo, items: Range<usize>, mut visit: F) {
    if let Some(trace) = ty.trace {
        // SAFETY: [T1] the embedder's function visits the slots of a live object of its type; the closure outlives the call.
        unsafe { trace(object, trampoline::<F>, (&raw mut visit).cast()) };
        return;
    }
    if items.start == 0 {
        // SAFETY: [S1] slots of a live object.
        unsafe { fixed(object, ty) }.for_each(&mut visit);
    }
    // SAFETY: [S1] as above.
    unsafe { of_items(object, ty, items) }.for_each(visit);
}

/// The slots of an object that are no items, if it has no trace function.
///
/// # Safety
/// As [`for_each`]; `ty` is the object's type.
#[inline(always)]
pub unsafe fn fixed(object: *mut Object, ty: &TypeInfo) -> impl Iterator<Item = Slot> {
    let payload = Object::payload(object);
    ty.refs.iter().map(move |&offset| payload.wrapping_add(offset).cast())
}

/// The slots that are items, some of them.
///
/// # Safety
/// As [`fixed`], and it has [so many](items) items.
#[inline(always)]
pub unsafe fn of_items(object: *mut Object, ty: &TypeInfo, items: Range<usize>) -> impl Iterator<Item = Slot> {
    let first: Slot = Object::payload(object).wrapping_add(ty.size).cast();
    items.map(move |i| first.wrapping_add(i))
}

unsafe extern "C" fn trampoline<F: FnMut(Slot)>(slot: Slot, visit: *mut c_void) {
    // SAFETY: [T1] `for_each` passes the address of its own closure.
    unsafe { (*visit.cast::<F>())(slot) };
}

/// Asks for the line of a header, or of a slot, that will be read soon.
#[inline(always)]
pub fn prefetch<T>(at: *mut T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: [S2] a prefetch of any address is allowed; it reads nothing.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
