//! Freed objects that are not given back yet: a bounded first-in, first-out queue of each heap, and their poison.
//!
//! While an object is here, whoever uses it meets a count that is no count. The queue is short enough to cost little and
//! long enough for the usual mistake, a use soon after the free; larger objects are given back sooner.

use super::trailer::Trailer;
use crate::handle::PyObject;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::collections::VecDeque;

/// Objects that are kept.
const OBJECTS: usize = 4096;
/// Bytes of objects that are kept.
const BYTES: usize = 4 << 20;

/// The count of a freed object: negative, and without the immortal bit, so that C's inline functions leave it alone.
const COUNT: usize = 0x8BAD_0B1E_DEAD_0B1E;
/// What the bytes behind count and link are filled with.
const FILL: u8 = 0xD5;
/// Where they begin.
const HEAD: usize = 16;

const _: () = assert!((COUNT as isize) < 0 && COUNT & crate::handle::refcount::IMMORTAL as usize == 0);

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Quarantine(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    objects: VecDeque<(usize, usize)>,
    bytes: usize,
}

impl Quarantine {
    /// Takes in a poisoned object of `size` bytes.
    pub(super) fn put(&self, ob: *mut PyObject, size: usize) {
        let mut queue = self.0.lock().unwrap_or_else(|e| e.into_inner());
        queue.objects.push_back((ob as usize, size));
        queue.bytes += size;
    }

    /// The oldest object, while there are too many.
    pub(super) fn take(&self) -> Option<*mut PyObject> {
        let mut queue = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if queue.objects.len() <= OBJECTS && queue.bytes <= BYTES {
            return None;
        }
        let (ob, size) = queue.objects.pop_front()?;
        queue.bytes -= size;
        Some(ob as *mut PyObject)
    }

    /// Calls `f` with every object that is here.
    pub(super) fn for_each(&self, f: impl FnMut(*mut PyObject)) {
        let all: Vec<usize> = {
            let queue = self.0.lock().unwrap_or_else(|e| e.into_inner());
            queue.objects.iter().map(|&(ob, _)| ob).collect()
        };
        all.into_iter().map(|ob| ob as *mut PyObject).for_each(f);
    }
}

/// The first two words, which a scan may be reading.
unsafe fn head<'a>(ob: *mut PyObject) -> &'a [AtomicUsize; 2] {
    // SAFETY: [K5] the count and the link word of a slot.
    unsafe { &*ob.cast() }
}

/// The bytes behind them.
unsafe fn body<'a>(ob: *mut PyObject, from: usize, to: usize) -> &'a mut [u8] {
    // SAFETY: [K6] memory of a slot that the caller alone may use.
    unsafe { std::slice::from_raw_parts_mut(ob.cast::<u8>().wrapping_add(from), to - from) }
}

/// Poisons a freed object.
///
/// # Safety
/// The caller frees `ob`, whose trailer it is.
pub(super) unsafe fn poison(ob: *mut PyObject, trailer: &Trailer) {
    // SAFETY: [K6] the caller's promise.
    let ([count, link], body) = unsafe { (head(ob), body(ob, HEAD, trailer.size())) };
    count.store(COUNT, Relaxed);
    link.store(0, Relaxed);
    body.fill(FILL);
}

/// Where a poisoned object was written to, if anywhere.
///
/// # Safety
/// `ob` was poisoned and is in quarantine; it is its trailer.
pub(super) unsafe fn find_write(ob: *mut PyObject, trailer: &Trailer) -> Option<usize> {
    // SAFETY: [K6] the caller's promise.
    let ([count, link], body) = unsafe { (head(ob), body(ob, HEAD, trailer.size())) };
    if count.load(Relaxed) != COUNT {
        return Some(0);
    }
    if link.load(Relaxed) != 0 {
        return Some(8);
    }
    body.iter().position(|&byte| byte != FILL).map(|i| HEAD + i)
}

/// Whether the memory between the end of an object and its trailer is as it was: zero.
///
/// # Safety
/// The caller frees `ob`, whose trailer it is.
pub(super) unsafe fn is_clean_behind(ob: *mut PyObject, trailer: &Trailer) -> bool {
    let end = trailer as *const Trailer as usize - ob as usize;
    // The size is part of the trailer: do not believe it when it cannot be.
    let size = trailer.size();
    // SAFETY: [K6] the caller's promise.
    size <= end && unsafe { body(ob, size, end) }.iter().all(|&byte| byte == 0)
}
