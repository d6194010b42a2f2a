//! [`Weak`]: a reference that does not keep its object alive.
//!
//! It owns one weak cell of the heap, which a cycle clears when it finds the object unreachable. A load never
//! waits and never collects: while a cycle ends it either keeps the object alive or learns that it is dead (see
//! `mutator::gate`). Dropping works on any thread, as for [`Global`](crate::Global).

use crate::Error;
use crate::api::local::Ref;
use crate::api::raw;
use crate::api::reference::Reference;
use crate::api::scope::{Scope, out_of_memory};
use crate::api::trace::Managed;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A weak reference to a `T`. Any thread may hold it, and drop it, attached or not.
///
/// ```
/// # use handfast::{Config, Heap, Weak};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let weak = s.scope(|t| {
///         let object = t.alloc(1_u64)?;
///         Weak::new(t, object)
///     })?;
///     s.collect_full();
///     assert_eq!(weak.upgrade(s), None);
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Weak<T> {
    cell: NonNull<raw::WeakCell>,
    heap: raw::Heap,
    _target: PhantomData<fn(T) -> T>,
}

// SAFETY: [Y7] the cell may be used from every attached thread (`raw::Mutator::weak_get`) and freed from any; what it refers
// to is public, and a `Managed` type is `Send + Sync`.
unsafe impl<T: Managed> Send for Weak<T> {}
// SAFETY: [Y7] as above; `upgrade` takes `&self` and is atomic in the raw layer.
unsafe impl<T: Managed> Sync for Weak<T> {}

impl<T: Managed> Weak<T> {
    /// Makes a weak reference to `object`.
    ///
    /// ```
    /// # use handfast::{Config, Heap, Weak};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let weak = Weak::new(s, object)?;
    ///     assert_eq!(weak.upgrade(s).as_deref(), Some(&7));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if there is none for the cell.
    ///
    /// # Panics
    /// If `object` is of another heap than `scope`.
    pub fn new(scope: &Scope<'_>, object: impl Reference<Target = T>) -> Result<Weak<T>, Error> {
        let object = scope.borrow(object).object();
        // SAFETY: [Y4] valid and of this heap, by `borrow`.
        let cell = unsafe { scope.raw().weak_new(object) };
        let cell = NonNull::new(cell).ok_or_else(|| out_of_memory(scope.heap(), size_of::<raw::WeakCell>()))?;
        Ok(Weak { cell, heap: raw::Heap::clone(scope.heap()), _target: PhantomData })
    }

    /// The object, unless it has died. Root it to keep it.
    ///
    /// ```
    /// # use handfast::{Config, Heap, Weak};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let weak = Weak::new(s, object)?;
    ///     s.collect_full();
    ///     let found = weak.upgrade(s).expect("a root keeps it");
    ///     assert_eq!(*found, 7);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `scope` is one of another heap.
    pub fn upgrade<'a>(&self, scope: &'a Scope<'_>) -> Option<Ref<'a, T>> {
        scope.check_heap(&self.heap);
        // SAFETY: [Y7] a cell of this heap, not freed before `self` drops.
        let object = unsafe { scope.raw().weak_get(self.cell.as_ptr()) };
        // SAFETY: [Y4] null, or a live `T`: a weak load during a cycle shades what it returns.
        unsafe { Ref::from_ptr(object) }
    }
}

impl<T> Drop for Weak<T> {
    fn drop(&mut self) {
        // SAFETY: [Y7] a cell of this heap, and nobody uses it after this.
        unsafe { self.heap.weak_free_detached(self.cell.as_ptr()) };
    }
}

impl<T> fmt::Debug for Weak<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Weak").field(&self.cell).finish()
    }
}
