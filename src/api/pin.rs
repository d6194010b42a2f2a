//! [`Pinned`]: an object that does not move for a while, for handing its address to code outside.
//!
//! Pins nest and are counted per object by the raw layer. The guard roots the object as well, because a pin alone does
//! not keep it alive; so dropping it always finds the object.

use crate::api::local::{Local, Ref};
use crate::api::raw;
use crate::api::reference::Reference;
use crate::api::reference::sealed::Address;
use crate::api::scope::Scope;
use crate::api::trace::Managed;
use std::fmt;

/// Keeps a `T` alive and in place until it is dropped. Made by [`Scope::pin`].
///
/// A guard that is dropped in [native](Scope::native) state, where the heap must not be touched, or forgotten, leaves its
/// object pinned for as long as it lives. That is safe and costs only that the object cannot be moved.
///
/// ```
/// # use handfast::{Config, Heap};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let buffer = s.alloc_bytes(&[0; 64])?;
///     let pinned = s.pin(buffer);
///     let before = pinned.get(s).as_slice().as_ptr();
///     s.collect_minor();
///     assert_eq!(pinned.get(s).as_slice().as_ptr(), before);
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Pinned<'s, T: Managed> {
    object: Local<'s, T>,
    address: *mut crate::object::Object,
    mutator: raw::Mutator,
}

impl<'s, T: Managed> Pinned<'s, T> {
    /// The object, for reading.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let bytes = s.alloc_bytes(b"stays")?;
    ///     let pinned = s.pin(bytes);
    ///     assert_eq!(pinned.get(s).as_slice(), b"stays");
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `scope` is one of another heap.
    #[inline]
    pub fn get<'a>(&self, scope: &'a Scope<'_>) -> Ref<'a, T> {
        scope.borrow(self.object)
    }

    /// The root that the guard holds. It outlives the guard.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let bytes = s.alloc_bytes(b"stays")?;
    ///     let root = s.pin(bytes).local(); // the guard is gone
    ///     assert_eq!(root.get(s).as_slice(), b"stays");
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn local(&self) -> Local<'s, T> {
        self.object
    }

    /// Where the contents start, good until the guard is dropped.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let bytes = s.alloc_bytes(b"stays")?;
    ///     let pinned = s.pin(bytes);
    ///     s.collect_full();
    ///     // SAFETY: pinned, so it is where it was, and five bytes long.
    ///     assert_eq!(unsafe { std::slice::from_raw_parts(pinned.as_ptr(), 5) }, b"stays");
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn as_ptr(&self) -> *const u8 {
        // SAFETY: [Y4] rooted and pinned: alive, and where it was.
        unsafe { raw::payload(self.address) }.cast()
    }
}

impl<T: Managed> Drop for Pinned<'_, T> {
    fn drop(&mut self) {
        // SAFETY: [Y1] the guard lives no longer than its scope and stays on its thread: the mutator is attached to it.
        if unsafe { self.mutator.is_native() } {
            return;
        }
        // SAFETY: [Y4] rooted since it was pinned, so alive, and pinned, so still at this address.
        unsafe { self.mutator.unpin(self.address) }
    }
}

impl<T: Managed> fmt::Debug for Pinned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pinned").field(&self.address).finish()
    }
}

impl<'s> Scope<'s> {
    /// Roots an object and keeps it in place until the guard is dropped. Pins nest. Never collects: an object that is in
    /// the nursery is promoted where it is when its time comes.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let bytes = s.alloc_bytes(b"stays")?;
    ///     let (one, two) = (s.pin(bytes), s.pin(bytes)); // pins nest
    ///     drop(one);
    ///     s.collect_minor();
    ///     assert_eq!(two.as_ptr(), bytes.get(s).as_slice().as_ptr());
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If it is an object of another heap.
    pub fn pin<R: Reference>(&self, object: R) -> Pinned<'s, R::Target> {
        let object = self.root(object);
        let address = object.address(self);
        // SAFETY: [Y4] valid and of this heap, by `root`.
        unsafe { self.raw().pin(address) };
        Pinned { object, address, mutator: self.raw() }
    }
}
