//! What an object is besides its contents: which one, and where it stands. None of it collects.

use crate::api::reference::Reference;
use crate::api::scope::Scope;

/// Questions about an object.
impl Scope<'_> {
    /// Whether two references are to the same object.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let (a, b) = (s.alloc(1_u64)?, s.alloc(1_u64)?);
    ///     assert!(s.same(a, a.get(s)) && !s.same(a, b));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If one is to an object of another heap.
    #[inline]
    pub fn same<A: Reference, B: Reference>(&self, a: A, b: B) -> bool {
        self.borrow(a).object() == self.borrow(b).object()
    }

    /// A number that stays the same for as long as the object lives, and differs from those of all other live objects of
    /// this heap. For hashing by identity.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let a = s.alloc(1_u64)?;
    ///     let id = s.identity(a);
    ///     s.collect_full();
    ///     assert_eq!(s.identity(a), id);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If it is an object of another heap.
    pub fn identity<R: Reference>(&self, object: R) -> usize {
        let object = self.borrow(object).object();
        // SAFETY: [Y4] valid and ours, by `borrow`.
        unsafe { self.raw().identity(object) }
    }

    /// Whether other threads may reach the object: it was published. For tests.
    ///
    /// ```
    /// # use handfast::{Config, Global, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let a = s.alloc(1_u64)?;
    ///     assert!(!s.is_public(a));
    ///     let _global = Global::new(s, a)?;
    ///     assert!(s.is_public(a));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If it is an object of another heap.
    pub fn is_public<R: Reference>(&self, object: R) -> bool {
        let object = self.borrow(object).object();
        // SAFETY: [Y4] valid and ours, by `borrow`.
        unsafe { self.raw().is_public(object) }
    }

    /// Whether the object is in this thread's nursery still. For tests.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let a = s.alloc(1_u64)?;
    ///     assert!(s.is_young(a));
    ///     s.collect_minor();
    ///     assert!(!s.is_young(a));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If it is an object of another heap.
    pub fn is_young<R: Reference>(&self, object: R) -> bool {
        let object = self.borrow(object).object();
        // SAFETY: [Y4] valid and ours, by `borrow`.
        unsafe { self.raw().is_young(object) }
    }
}
