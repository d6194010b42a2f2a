//! [`Mutator`]: an attached thread.
//!
//! It belongs to the thread that attached (neither `Send` nor `Sync`) and lends itself to one
//! [`Scope`] at a time: `scope` takes it by `&mut`, so while a scope is open nothing else can make this mutator collect.
//! Dropping it detaches.

use crate::api::heap::Heap;
use crate::api::raw;
use crate::api::scope::{self, Scope};
use crate::{Error, Verified};
use std::rc::Rc;

/// An attached thread. Objects are made and used in its scopes.
///
/// ```
/// use handfast::{Config, Heap};
/// let heap = Heap::new(Config::default())?;
/// let worker = std::thread::spawn({
///     let heap = heap.clone();
///     move || {
///         let mut mutator = heap.attach()?;
///         mutator.scope(|s| s.alloc(1_u8).map(|one| *one.get(s)))
///     }
/// });
/// assert_eq!(worker.join().unwrap()?, 1);
/// # Ok::<(), handfast::Error>(())
/// ```
#[derive(Debug)]
pub struct Mutator {
    raw: raw::Mutator,
    /// Shared with the `PyRef`s of this thread; `Rc`, so that cloning one touches no shared cache line.
    heap: Rc<raw::Heap>,
}

impl Mutator {
    /// Takes over a fresh attachment.
    ///
    /// # Safety
    /// `raw` is attached to the calling thread and to `heap`, and nobody else will detach it or open a scope on it.
    pub(crate) unsafe fn new(raw: raw::Mutator, heap: raw::Heap) -> Mutator {
        Mutator { raw, heap: Rc::new(heap) }
    }

    /// Opens a scope, runs `body` in it, and closes it: the roots made in it are gone then. Also on a panic.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// let mut mutator = heap.attach()?;
    /// let sum = mutator.scope(|s| Ok::<u64, handfast::Error>(*s.alloc(2_u64)?.get(s) + 3))?;
    /// assert_eq!(sum, 5);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `body` does; or in a destructor of a thread-local, when the thread has been detached already.
    #[inline]
    pub fn scope<R>(&mut self, body: impl for<'s> FnOnce(&mut Scope<'s>) -> R) -> R {
        self.check();
        // SAFETY: [Y1] attached to this thread (`Mutator` cannot leave it); `&mut self` keeps other scopes away.
        unsafe { scope::enter(self.raw, &self.heap, body) }
    }

    /// Serves what other threads ask of this one; may collect.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// let mut mutator = heap.attach()?;
    /// for round in 0..1_000_000_u32 {
    ///     if round % 4096 == 0 {
    ///         mutator.safepoint(); // a long computation that does not allocate
    ///     }
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`Mutator::scope`].
    pub fn safepoint(&mut self) {
        self.check();
        // SAFETY: [Y2] attached to this thread; no scope is open, so nobody holds an unrooted reference.
        unsafe { self.raw.safepoint() }
    }

    /// Checks the heap's invariants. See [`Scope::verify`].
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// let mut mutator = heap.attach()?;
    /// assert!(mutator.verify()?.accounted);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Scope::verify`].
    ///
    /// # Panics
    /// As [`Mutator::scope`].
    pub fn verify(&mut self) -> Result<Verified, Error> {
        self.scope(|s| s.verify())
    }

    /// Runs `body` in native state: it may block for long without delaying a collection. See [`Scope::native`].
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// let mut mutator = heap.attach()?;
    /// let line = mutator.native(|| String::from("what a blocking read would answer"));
    /// assert!(!line.is_empty());
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn native<R>(&mut self, body: impl FnOnce() -> R) -> R {
        self.scope(|s| s.native(body))
    }

    /// The heap it is attached to.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// let mutator = heap.attach()?;
    /// assert_eq!(mutator.heap().stats().cycles, 0);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn heap(&self) -> Heap {
        Heap::from_raw(raw::Heap::clone(&self.heap))
    }

    /// The raw layer's name of it, for runtime authors.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// let mutator = heap.attach()?;
    /// // SAFETY: attached to this thread; nobody holds an unrooted reference.
    /// unsafe { mutator.raw().collect_minor() };
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn raw(&self) -> raw::Mutator {
        self.raw
    }

    /// Detaches, as dropping does. May collect.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// let mutator = heap.attach()?;
    /// mutator.detach()?;
    /// assert!(heap.attach().is_ok(), "and again");
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAttached`] if the thread was detached behind the typed layer's back.
    pub fn detach(self) -> Result<(), Error> {
        if self.is_attached() { Ok(()) } else { Err(Error::NotAttached) }
    }

    fn check(&self) {
        assert!(self.is_attached(), "a mutator was used after its thread was detached");
    }

    /// False only when the thread is being torn down and the raw layer has detached it already.
    fn is_attached(&self) -> bool {
        self.heap.current() == Some(self.raw)
    }
}

impl Drop for Mutator {
    fn drop(&mut self) {
        if self.is_attached() {
            // SAFETY: [Y2] attached to this thread, no scope is open, and it is not used again.
            unsafe { self.raw.detach() }
        }
    }
}
