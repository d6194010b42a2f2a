//! Frames of roots: as many as a function needs, at once.
//!
//! A root of a scope is pushed, with a look at whether there is room, and goes with its scope, whose height somebody keeps. A
//! function that knows when it is compiled how many roots it needs has them in one piece instead: one look, one store to
//! leave, and a root is set by a store. (LLVM's shadow stack and JNI's local frames are like that.)

use super::mutator::Mutator;
use crate::object::{Object, Slot, slot};
use std::marker::PhantomData;

/// `N` roots in one piece, made by [`Mutator::frame`]: empty at first, gone when the frame is dropped.
///
/// Frames and scopes end in the reverse order of their beginning; what was rooted after a frame began ends with it, at the
/// latest. A frame that is never dropped ends with the scope or frame around it, and one that is dropped later than that has
/// ended before: its slots are not to be used then. All end before the mutator is detached: a frame that is dropped after
/// [`Mutator::detach`] touches what may be another thread's by then.
///
/// ```
/// use handfast::Config;
/// use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};
///
/// static PAIR: TypeInfo = TypeInfo::new("Pair", 16).with_refs(&[0, 8]);
///
/// /// A tree of this depth, rooted nowhere yet.
/// unsafe fn tree(m: Mutator, depth: u32) -> *mut Object {
///     unsafe {
///         let roots = m.frame::<2>();
///         if depth > 0 {
///             roots.set(0, tree(m, depth - 1)); // the next line may collect
///             roots.set(1, tree(m, depth - 1));
///         }
///         let pair = m.alloc_uninit(&PAIR); // may collect: both are rooted
///         raw::payload(pair).cast::<[*mut Object; 2]>().write([roots.get(0), roots.get(1)]);
///         pair
///     }
/// }
///
/// let heap = Heap::new(&Config::default())?;
/// let m = heap.attach()?;
/// unsafe {
///     let root = m.root(tree(m, 10));
///     m.collect_minor();
///     assert!(!m.load(m.load(*root, 0), 8).is_null());
///     m.detach();
/// }
/// # Ok::<(), handfast::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a frame ends when it is dropped"]
pub struct Frame<const N: usize> {
    first: Slot,
    mutator: Mutator,
    /// The thread's own.
    _thread: PhantomData<*mut ()>,
}

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// Roots for `N` objects: see [`Frame`]. Never collects.
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
    ///     let frame = m.frame::<2>();
    ///     frame.set(0, m.alloc(&NODE));
    ///     frame.set(1, m.alloc(&NODE));
    ///     m.collect_minor();
    ///     m.store(frame.get(0), 0, frame.get(1));
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the thread has more roots than there are addresses for, 134 million.
    #[inline(always)]
    pub unsafe fn frame<const N: usize>(self) -> Frame<N> {
        // SAFETY: [L1] the owner.
        let first = unsafe { self.record().local() }.roots.push_frame::<N>();
        Frame { first, mutator: self, _thread: PhantomData }
    }
}

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl<const N: usize> Frame<N> {
    /// Root `i`: a slot that the collector updates, as [`Mutator::root`] answers.
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
    ///     let frame = m.frame::<1>();
    ///     *frame.slot(0) = m.alloc(&NODE);
    ///     m.collect_minor();
    ///     assert!(m.owns(*frame.slot(0)));
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `i` is not below `N`.
    #[inline(always)]
    pub fn slot(&self, i: usize) -> *mut *mut Object {
        assert!(i < N, "root {i} of a frame of {N}");
        self.first.wrapping_add(i)
    }

    /// The object in root `i`, or null.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let frame = m.frame::<1>();
    ///     assert!(frame.get(0).is_null());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`Frame::slot`].
    #[inline(always)]
    pub unsafe fn get(&self, i: usize) -> *mut Object {
        // Two words that were stored one by one must not be loaded as one: that waits for both stores. So this is atomic.
        // SAFETY: [R1] a slot of a frame that has not ended.
        unsafe { slot::load(self.slot(i)) }
    }

    /// Has root `i` hold an object (or null).
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
    ///     let frame = m.frame::<1>();
    ///     frame.set(0, m.alloc(&NODE));
    ///     assert!(m.owns(frame.get(0)));
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`Frame::slot`].
    #[inline(always)]
    pub unsafe fn set(&self, i: usize, object: *mut Object) {
        // SAFETY: [R1] as in `get`.
        unsafe { self.slot(i).write(object) };
    }
}

impl<const N: usize> Drop for Frame<N> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: [L1] the owner, by the promise to `frame`.
        unsafe { self.mutator.record().local() }.roots.pop_frame(self.first);
    }
}
