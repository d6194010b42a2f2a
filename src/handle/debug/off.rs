//! Builds without the `debug` feature: the hooks of [`links`](super::links) and [`death`](super::death) do nothing, and
//! are gone after inlining. What each would do: see `debug/mod.rs`.

use super::links::Links;
use super::pyobject::PyObject;
use super::slab::SlabLocal;

/// What happens to a `PyObject`.
pub(super) enum Event {
    Linked,
    Queued,
    Delivered,
}

#[inline(always)]
pub(super) fn room(size: usize) -> usize {
    size
}

#[inline(always)]
pub(super) fn allocated(_: &Links, _: &PyObject, _: usize) {}

#[inline(always)]
pub(super) fn note(_: &Links, _: &PyObject, _: Event) {}

/// Gives the memory of an object of our slabs back.
///
/// # Safety
/// As [`SlabHeap::free`](super::slab::SlabHeap::free).
#[inline(always)]
pub(super) unsafe fn give_back(links: &Links, local: Option<&mut SlabLocal>, ob: *mut PyObject) {
    // SAFETY: [K6] as the function's.
    unsafe { links.slabs.free(local, ob.cast()) };
}

#[inline(always)]
pub(super) fn check_use(_: &'static str, _: *const PyObject) {}

#[inline(always)]
pub(super) fn check_incref(_: *const PyObject) {}

#[inline(always)]
pub(super) fn check_free(_: *const PyObject) {}

#[inline(always)]
pub(super) fn check_zero(_: &Links, _: &PyObject) {}

#[inline(always)]
pub(super) fn is_freed(_: &Links, _: *const PyObject) -> bool {
    false
}

#[inline(always)]
pub(super) fn misuse(_: &'static str, _: *const PyObject, _: &str) {}

#[inline(always)]
pub(crate) fn close(_: &Links) {}

#[inline(always)]
pub(crate) fn history(_: &Links, _: &PyObject) -> Option<String> {
    None
}
