//! [`Heap`]: a heap to attach threads to.
//!
//! A thin, safe face of [`raw::Heap`]. All handles of one heap are equal; it goes away with the last of them, mutators
//! and global roots included, or by [`Heap::close`], which also says what C code still holds.

use crate::api::mutator::Mutator;
use crate::api::raw;
use crate::api::stats::Stats;
use crate::handle::{Dealloc, LeakReport, PyObject};
use crate::{Config, Error};
use std::ffi::c_void;
use std::panic::catch_unwind;

/// A garbage-collected heap. Cloning gives another handle on the same heap; handles may go to any thread.
///
/// ```
/// use handfast::{Config, Heap};
/// let heap = Heap::new(Config::default())?;
/// let mut mutator = heap.attach()?;
/// let sum = mutator.scope(|s| {
///     let two = s.alloc(2_u64)?;
///     let three = s.alloc(3_u64)?;
///     Ok::<u64, handfast::Error>(*two.get(s) + *three.get(s))
/// })?;
/// assert_eq!(sum, 5);
/// # Ok::<(), handfast::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Heap {
    raw: raw::Heap,
}

impl Heap {
    /// Makes a heap. Several may exist in a process; their objects cannot refer to each other.
    ///
    /// ```
    /// use handfast::{Config, Heap};
    /// let heap = Heap::new(Config { max_heap_bytes: 64 << 20, ..Config::default() })?;
    /// assert_eq!(heap.config().max_heap_bytes, 64 << 20);
    /// let wrong = Heap::new(Config { max_heap_bytes: 1, ..Config::default() }).unwrap_err();
    /// assert!(wrong.to_string().contains("max_heap_bytes"));
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the field that is out of range; [`Error::Os`] if the operating system refuses the
    /// address range or a thread.
    pub fn new(config: Config) -> Result<Heap, Error> {
        raw::Heap::new(&config).map(|raw| Heap { raw })
    }

    /// Attaches the calling thread; it stays attached until the [`Mutator`] is dropped.
    ///
    /// A thread may be attached to several heaps. While it waits in one of them, for a full collection or for memory, it runs on
    /// in the others, whose cycles wait for it; so two threads that wait each in the other's heap wait for ever. Whoever works
    /// in one heap for long, or collects, lets the others go on meanwhile by native state:
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// let (one, two) = (Heap::new(Config::default())?, Heap::new(Config::default())?);
    /// let (mut in_one, mut in_two) = (one.attach()?, two.attach()?);
    /// in_two.native(|| in_one.scope(|s| s.collect_full()));
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyAttached`]: a thread attaches to a heap once at a time. [`Error::Forked`] in a child process.
    /// [`Error::Closed`] if the heap was closed. [`Error::Os`] if the operating system has no addresses left for its roots, or
    /// the thread is ending.
    pub fn attach(&self) -> Result<Mutator, Error> {
        let mutator = self.raw.attach()?;
        // SAFETY: [Y1] just attached, by this thread, and nobody else knows it.
        Ok(unsafe { Mutator::new(mutator, self.raw.clone()) })
    }

    /// The counters. Any thread, at any time.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| s.collect_full());
    /// assert_eq!(heap.stats().cycles, 1);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn stats(&self) -> Stats {
        self.raw.stats()
    }

    /// What the heap was made with.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// // What was left to the library is filled in.
    /// assert!(heap.config().max_heap_bytes > 0);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn config(&self) -> &Config {
        self.raw.config()
    }

    /// Tells pacing that objects of this heap keep `delta` more bytes alive outside of it (fewer, if negative). They count as
    /// promoted and as living, so cycles come as if they were in the heap, but take no part of `max_heap_bytes`. Any thread, in any
    /// order.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.external_memory(64 << 20); // an object holds a picture
    /// heap.external_memory(-(64 << 20)); // and has let go of it
    /// assert_eq!(heap.stats().external_bytes, 0);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn external_memory(&self, delta: isize) {
        self.raw.external_memory(delta);
    }

    /// Calls `notify` after a collection that put something into the dead queue; `None`: nobody. It runs on the thread
    /// that collected, outside of the collection. A panic in it is reported and otherwise ignored.
    ///
    /// ```
    /// use handfast::{Config, Heap, LinkFlags};
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    ///
    /// static CALLS: AtomicU32 = AtomicU32::new(0);
    /// # let heap = Heap::new(Config::default())?;
    /// heap.set_dead_notifier(Some(|| {
    ///     CALLS.fetch_add(1, Relaxed);
    /// }));
    /// heap.attach()?.scope(|s| {
    ///     let object = s.scope(|t| {
    ///         let object = t.alloc(1_u64)?;
    ///         t.handle(object, 24, std::ptr::null_mut(), LinkFlags::NONE).map(drop)
    ///     });
    ///     s.collect_full(); // nobody holds either side: the pair dies
    ///     assert!(s.next_dead().is_some());
    ///     object
    /// })?;
    /// assert_eq!(CALLS.load(Relaxed), 1);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn set_dead_notifier(&self, notify: Option<fn()>) {
        match notify {
            // SAFETY: [K7] a safe function without state, called by `call_notifier`.
            Some(notify) => unsafe { self.raw.set_dead_notifier(Some(call_notifier), notify as *mut c_void) },
            // SAFETY: [K7] no callback.
            None => unsafe { self.raw.set_dead_notifier(None, std::ptr::null_mut()) },
        }
    }

    /// Sets what runs when the count of an unlinked `PyObject` reaches zero, on that thread and at once.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// use handfast::PyObject;
    /// use std::ffi::c_void;
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    ///
    /// unsafe extern "C" fn dealloc(ob: *mut PyObject, calls: *mut c_void) {
    ///     // SAFETY: a counter that outlives the heap; and an object that nobody refers to.
    ///     unsafe {
    ///         (*calls.cast::<AtomicU32>()).fetch_add(1, Relaxed);
    ///         PyObject::free(ob);
    ///     }
    /// }
    ///
    /// static CALLS: AtomicU32 = AtomicU32::new(0);
    /// // SAFETY: it frees the object once and does nothing else.
    /// unsafe { heap.set_dealloc(Some(dealloc), (&raw const CALLS).cast_mut().cast()) };
    /// heap.attach()?.scope(|s| s.pyobject(24, std::ptr::null_mut()).map(drop))?;
    /// assert_eq!(CALLS.load(Relaxed), 1);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// The callback is sound for every `PyObject` of this heap and for `arg`, from every attached thread; it frees the
    /// object with `PyObject::free` at most once; it does not collect (no allocation, no safepoint: the thread that
    /// dropped a [`PyRef`](crate::PyRef) may hold unrooted references).
    pub unsafe fn set_dealloc(&self, dealloc: Option<Dealloc>, arg: *mut c_void) {
        // SAFETY: [K7] the caller's promise.
        unsafe { self.raw.set_dealloc(dealloc, arg) };
    }

    /// The same with a Rust function. It may panic: the panic ends in the heap, which reports it, and whatever else is due is
    /// done.
    ///
    /// ```
    /// use handfast::{Config, Heap, PyObject};
    ///
    /// fn dealloc(ob: *mut PyObject) {
    ///     // SAFETY: its last reference is gone, and it is freed once.
    ///     unsafe { PyObject::free(ob) };
    /// }
    ///
    /// let heap = Heap::new(Config::default())?;
    /// // SAFETY: it frees its object once and does nothing else.
    /// unsafe { heap.set_dealloc_fn(dealloc) };
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// As [`Heap::set_dealloc`].
    pub unsafe fn set_dealloc_fn(&self, dealloc: fn(*mut PyObject)) {
        // SAFETY: [K7] the caller's promise.
        unsafe { self.raw.set_dealloc_fn(dealloc) };
    }

    /// Ends the heap and reports what C code still holds. Global roots and weak references that are left become empty
    /// shells, which may be dropped.
    ///
    /// ```
    /// use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// let kept = heap.attach()?.scope(|s| {
    ///     let object = s.alloc(1_u64)?;
    ///     s.handle(object, 24, std::ptr::null_mut(), LinkFlags::LIGHT).map(|ob| ob.into_raw())
    /// })?;
    /// assert_eq!(heap.close()?.objects, 1); // the reference that was never given back
    /// # let _ = kept;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::StillAttached`] while a thread is attached; [`Error::Forked`] in a child process. Nothing has happened then.
    pub fn close(&self) -> Result<LeakReport, Error> {
        self.raw.close()
    }

    pub(crate) fn from_raw(raw: raw::Heap) -> Heap {
        Heap { raw }
    }

    /// The raw layer's handle, for runtime authors.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// // SAFETY: nothing collects.
    /// assert_eq!(unsafe { heap.raw() }.stats(), heap.stats());
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// What the raw layer runs on this thread must not collect while the thread holds a [`Ref`](crate::Ref)
    /// (`raw::Heap::verify` may), and its callbacks are sound as [`Heap::set_dealloc`] asks.
    pub unsafe fn raw(&self) -> &raw::Heap {
        &self.raw
    }
}

/// Calls the `fn()` that `arg` is.
unsafe extern "C" fn call_notifier(arg: *mut c_void) {
    // SAFETY: [Y10] `set_dead_notifier` made `arg` from a `fn()`.
    let notify = unsafe { std::mem::transmute::<*mut c_void, fn()>(arg) };
    if let Err(payload) = catch_unwind(notify) {
        // Dropping what was thrown could panic again.
        std::mem::forget(payload);
    }
}
