//! Allocation with the cursor in registers, for runtimes and compilers that allocate in loops.
//!
//! [`Mutator::alloc_uninit`] reads and writes the cursor in the mutator's record, whose address the compiler must suppose
//! anybody to know; a [`Batch`] is a local variable with a copy of cursor and limit, which stay in registers. The record
//! gets the cursor back before anything else could look: in the slow path, and when the batch ends.
//!
//! A request of another thread replaces the *record's* limit, so a batch notices it at the end of the nursery block that
//! it fills, 32 KiB at most, not at the next allocation.

use super::mutator::Mutator;
use crate::object::{Object, TypeInfo};

/// A mutator's nursery block, bumped in registers. Ends when it is dropped.
///
/// While it lives the mutator is used for nothing that allocates, collects or changes its state: reading, storing and
/// rooting are allowed. May be leaked (`mem::forget`): what it allocated since its last slow path is then overwritten,
/// so that must be dead.
///
/// ```
/// use handfast::Config;
/// use handfast::raw::{self, Heap, TypeInfo};
///
/// static PAIR: TypeInfo = TypeInfo::new("Pair", 16);
/// let heap = Heap::new(&Config::default())?;
/// let m = heap.attach()?;
/// unsafe {
///     let root = m.root(std::ptr::null_mut());
///     let mut batch = m.batch();
///     for i in 0..1000u64 {
///         let pair = batch.alloc_uninit(&PAIR); // may collect
///         raw::payload(pair).cast::<[u64; 2]>().write([i, 2 * i]);
///         *root = pair;
///     }
///     drop(batch);
///     m.collect_minor();
///     assert_eq!(raw::payload(*root).cast::<[u64; 2]>().read(), [999, 1998]);
///     m.detach();
/// }
/// # Ok::<(), handfast::Error>(())
/// ```
#[derive(Debug)]
pub struct Batch {
    cursor: usize,
    limit: usize,
    mutator: Mutator,
}

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// Begins a batch of allocations: see [`Batch`]. Does not collect.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let mut batch = m.batch();
    ///     for _ in 0..1000 {
    ///         assert!(!batch.alloc(&NODE).is_null()); // the cursor stays in a register
    ///     }
    ///     drop(batch);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline(always)]
    pub unsafe fn batch(self) -> Batch {
        let record = self.record();
        // If the batch is leaked, the record's cursor stays behind what it has written.
        record.zeroed.set(0);
        Batch { cursor: record.cursor.get(), limit: record.limit.get(), mutator: self }
    }
}

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Batch {
    /// As [`Mutator::alloc_uninit`]: the caller writes all of the payload before the next point that may collect. Null
    /// when memory is out. May collect.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let mut batch = m.batch();
    ///     let node = batch.alloc_uninit(&NODE);
    ///     raw::payload(node).cast::<[u64; 2]>().write([0, 7]);
    ///     drop(batch);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline(always)]
    pub unsafe fn alloc_uninit(&mut self, ty: *const TypeInfo) -> *mut Object {
        let at = self.cursor;
        // SAFETY: [T2] the caller's type outlives the heap.
        let end = at + unsafe { (*ty).fast_bytes };
        if end <= self.limit {
            self.cursor = end;
            let object = at as *mut Object;
            // SAFETY: [N4] fresh memory of this nursery.
            unsafe { Object::init(object, ty, 0, 0) };
            return object;
        }
        let record = self.mutator.record();
        record.cursor.set(at);
        // SAFETY: [A1] the caller's promises; the record is up to date.
        let object = unsafe { self.mutator.alloc_slow(ty, 0) };
        record.zeroed.set(0);
        (self.cursor, self.limit) = (record.cursor.get(), record.limit.get());
        object
    }

    /// As [`Mutator::alloc`]: a zeroed object; null when memory is out. May collect.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let mut batch = m.batch();
    ///     let node = batch.alloc(&NODE);
    ///     assert_eq!(raw::payload(node).cast::<u64>().read(), 0);
    ///     drop(batch);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline(always)]
    pub unsafe fn alloc(&mut self, ty: *const TypeInfo) -> *mut Object {
        // SAFETY: [A1] the caller's promises; the payload is written at once.
        unsafe {
            let object = self.alloc_uninit(ty);
            if !object.is_null() {
                std::ptr::write_bytes(Object::payload(object), 0, (*ty).size);
            }
            object
        }
    }
}

impl Drop for Batch {
    #[inline(always)]
    fn drop(&mut self) {
        self.mutator.record().cursor.set(self.cursor);
    }
}
