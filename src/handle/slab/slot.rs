//! What is in a slot: words 0 and 1, which a scan may be reading at any time, and the list of free spans, in word 2.
//!
//! `# Safety` of each function: `slot` (or `first`) is a slot of a mapped page that the caller may write.

use super::page::GRANULE;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Exclusive-ored with the slot's address in word 3 of a free slot.
#[cfg(any(debug_assertions, feature = "debug"))]
const FREE_MARK: usize = 0xF2EE_D0B1_E5AB_51A7;

/// Word `i` as an atomic.
unsafe fn word<'a>(slot: *mut u8, i: usize) -> &'a AtomicUsize {
    let word = slot.cast::<AtomicUsize>().wrapping_add(i);
    // SAFETY: [Z4] a slot has at least four words and is 16-byte aligned; the page stays mapped while it is used.
    unsafe { &*word }
}

/// Zeroes words 0 and 1, which a scan may be reading.
#[inline]
pub(super) unsafe fn reset(slot: *mut u8) {
    for i in 0..2 {
        // SAFETY: [Z4] as the function's.
        unsafe { word(slot, i) }.store(0, Ordering::Relaxed);
    }
}

/// The slot becomes free: words 0 and 1 are zeroed, a double free is found.
#[inline]
pub(super) unsafe fn set_free(slot: *mut u8) {
    #[cfg(any(debug_assertions, feature = "debug"))]
    {
        let mark = FREE_MARK ^ slot.addr();
        // SAFETY: [Z4] as the function's.
        let old = unsafe { word(slot, 3) }.swap(mark, Ordering::Relaxed);
        assert!(old != mark, "handfast: slab free: {slot:p} is free already");
    }
    // SAFETY: [Z4] as the function's.
    unsafe { reset(slot) };
}

/// Where word 2 has the length of a span, less one: slots of a page are fewer than 2048, addresses below 2^48.
const LENGTH: u32 = 48;

/// The next span, and how many slots this one has.
#[inline]
pub(super) unsafe fn span(first: *mut u8) -> (*mut u8, u32) {
    // SAFETY: [Z4] as the function's.
    let word = unsafe { word(first, 2) }.load(Ordering::Relaxed);
    let next = std::ptr::with_exposed_provenance_mut(word & ((1 << LENGTH) - 1));
    (next, (word >> LENGTH) as u32 + 1)
}

/// Makes `slots` slots a span, before `next`.
#[inline]
pub(super) unsafe fn set_span(first: *mut u8, next: *mut u8, slots: u32) {
    let length = (slots as usize - 1) << LENGTH;
    // SAFETY: [Z4] as the function's.
    unsafe { word(first, 2) }.store(next.addr() | length, Ordering::Relaxed);
}

/// The largest slot that is zeroed without a call: a call to the library's function would cost more than that.
pub(crate) const QUICK: usize = 5 * GRANULE;

/// Zeroes words 2 and on of a slot of `size` bytes.
#[inline(always)]
pub(super) unsafe fn zero_tail(slot: *mut u8, size: usize) {
    if size > QUICK {
        // SAFETY: [Z4] as the function's.
        unsafe { slot.wrapping_add(GRANULE).write_bytes(0, size - GRANULE) };
    } else {
        // SAFETY: [Z4] as the function's.
        unsafe { zero_tail_quick(slot, size) };
    }
}

/// The same for at most [`QUICK`] bytes, rounded up to granules.
#[inline(always)]
pub(super) unsafe fn zero_tail_quick(slot: *mut u8, size: usize) {
    let granule = |i: usize| slot.wrapping_add(i * GRANULE);
    // SAFETY: [Z4] as the function's; every slot has at least two granules.
    unsafe { granule(1).write_bytes(0, GRANULE) };
    for i in 2..QUICK / GRANULE {
        if size > i * GRANULE {
            // SAFETY: [Z4] as the function's.
            unsafe { granule(i).write_bytes(0, GRANULE) };
        }
    }
}
