//! [`Global`]: a root outside of any scope, for any thread.
//!
//! It owns one cell of the heap's list of global roots. What it refers to is published. Reading and writing need a
//! scope, and with it an attached, running thread; dropping does not, so it goes through the heap
//! (`raw::Heap::global_free_detached`). The handle on the heap inside keeps the heap alive.

use crate::Error;
use crate::api::local::Ref;
use crate::api::raw;
use crate::api::reference::Reference;
use crate::api::scope::{Scope, out_of_memory};
use crate::api::trace::Managed;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A global root: keeps a `T` alive until it is dropped. Any thread may hold it, and drop it, attached or not.
///
/// ```
/// # use handfast::{Config, Global, Heap};
/// let heap = Heap::new(Config::default())?;
/// let answer = heap.attach()?.scope(|s| {
///     let answer = s.alloc(42_u64)?;
///     Global::new(s, answer)
/// })?;
/// std::thread::scope(|threads| {
///     threads.spawn(|| {
///         heap.attach().unwrap().scope(|s| assert_eq!(*answer.get(s), 42));
///     });
/// });
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Global<T> {
    cell: NonNull<raw::GlobalCell>,
    heap: raw::Heap,
    _target: PhantomData<fn(T) -> T>,
}

// SAFETY: [Y7] the cell may be used from every attached thread (`raw::Mutator::global_get`, `global_set`) and freed from any;
// what it refers to is public, and a `Managed` type is `Send + Sync`.
unsafe impl<T: Managed> Send for Global<T> {}
// SAFETY: [Y7] as above; `get` and `set` take `&self` and are atomic in the raw layer.
unsafe impl<T: Managed> Sync for Global<T> {}

impl<T: Managed> Global<T> {
    /// Makes a global root of `object`, and publishes it.
    ///
    /// ```
    /// # use handfast::{Config, Global, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let global = Global::new(s, object)?; // from here on any thread may use the object
    ///     s.native(|| std::thread::scope(|threads| drop(threads.spawn(|| drop(global)))));
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
    pub fn new(scope: &Scope<'_>, object: impl Reference<Target = T>) -> Result<Global<T>, Error> {
        let object = scope.borrow(object).object();
        // SAFETY: [Y4] valid and of this heap, by `borrow`.
        let cell = unsafe { scope.raw().global_new(object) };
        let cell = NonNull::new(cell).ok_or_else(|| out_of_memory(scope.heap(), size_of::<raw::GlobalCell>()))?;
        Ok(Global { cell, heap: raw::Heap::clone(scope.heap()), _target: PhantomData })
    }

    /// What it refers to, for reading.
    ///
    /// ```
    /// # use handfast::{Config, Global, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(7_u64)?;
    ///     let global = Global::new(s, object)?;
    ///     s.collect_full();
    ///     assert_eq!(*global.get(s), 7);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `scope` is one of another heap; in a finalizer that runs because the heap is being closed, which lets go of all
    /// global roots.
    pub fn get<'a>(&self, scope: &'a Scope<'_>) -> Ref<'a, T> {
        scope.check_heap(&self.heap);
        // SAFETY: [Y7] a cell of this heap, not freed before `self` drops.
        let object = unsafe { scope.raw().global_get(self.cell.as_ptr()) };
        // SAFETY: [Y4] null, or a valid `T` of this heap: a root keeps its object alive.
        unsafe { Ref::from_ptr(object) }.expect("a global root of a heap that is being closed")
    }

    /// Makes it refer to `object`, and publishes that.
    ///
    /// ```
    /// # use handfast::{Config, Global, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let (one, two) = (s.alloc(1_u64)?, s.alloc(2_u64)?);
    ///     let global = Global::new(s, one)?;
    ///     global.set(s, two);
    ///     assert_eq!(*global.get(s), 2);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `scope` or `object` is of another heap.
    pub fn set(&self, scope: &Scope<'_>, object: impl Reference<Target = T>) {
        scope.check_heap(&self.heap);
        let object = scope.borrow(object).object();
        // SAFETY: [Y7] a cell of this heap, not freed before `self` drops; a valid `T` of this heap, by `borrow`.
        unsafe { scope.raw().global_set(self.cell.as_ptr(), object) }
    }
}

impl<T> Drop for Global<T> {
    fn drop(&mut self) {
        // SAFETY: [Y7] a cell of this heap, and nobody uses it after this.
        unsafe { self.heap.global_free_detached(self.cell.as_ptr()) };
    }
}

impl<T> fmt::Debug for Global<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Global").field(&self.cell).finish()
    }
}
