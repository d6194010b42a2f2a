//! References in local variables: [`Local`], which is rooted, and [`Ref`], which is not.
//!
//! A `Local<'s, T>` points at a slot of the root stack; the collector updates the slot when it moves the object, so a
//! `Local` is good for as long as its scope `'s` is open, over any number of collections. A `Ref<'a, T>` is the address
//! itself. It borrows the scope for `'a`, and everything that may collect wants the scope by `&mut`: a `Ref` that is kept
//! over an allocation is a borrow error. So reading costs nothing, and rooting is paid for only where it is needed.
//! (Handle scopes are V8's; the borrowed unrooted reference follows gc-arena and JNI wrappers that brand by lifetime.)
//!
//! Root slots are read and written as relaxed atomics: only their thread uses them while it runs, and who works for it
//! while it is native owns them through the handshake.

use crate::api::field::Field;
use crate::api::raw;
use crate::api::reference::sealed::Address;
use crate::api::scope::Scope;
use crate::api::trace::{Managed, Trace};
use crate::object::{Object, Slot};
use crate::sync::atomic::{AtomicPtr, Ordering};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

/// The slot behind a root.
///
/// # Safety
/// `slot` is a slot of an open scope of the calling thread's mutator, and stays one for `'x`.
#[inline]
pub(crate) unsafe fn root_slot<'x>(slot: NonNull<*mut Object>) -> &'x AtomicPtr<Object> {
    // SAFETY: [Y3] valid and aligned for `'x` by the contract above; all who share it access it atomically.
    unsafe { AtomicPtr::from_ptr(slot.as_ptr()) }
}

/// A rooted reference to a `T`; valid until its scope closes. Copying it copies the reference, not the root.
///
/// ```
/// # use handfast::{Config, Heap};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let answer = s.alloc(42_u64)?;
///     s.collect_minor();
///     assert_eq!(*answer.get(s), 42);
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Local<'s, T> {
    slot: NonNull<*mut Object>,
    /// Whose root stack the slot is on: tells the heap without reading anything.
    mutator: raw::Mutator,
    /// Invariant in `'s`: it names one scope, and no other will do.
    _scope: PhantomData<fn(&'s ()) -> &'s ()>,
    _target: PhantomData<*const T>,
}

impl<T> Clone for Local<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Local<'_, T> {}

impl<'s, T> Local<'s, T> {
    /// # Safety
    /// `slot` is a root slot of the scope `'s` of `mutator` and holds a reference to a `T`, now and later.
    #[inline]
    pub(crate) unsafe fn new(slot: NonNull<*mut Object>, mutator: raw::Mutator) -> Local<'s, T> {
        Local { slot, mutator, _scope: PhantomData, _target: PhantomData }
    }
}

impl<T: Managed> Local<'_, T> {
    /// The object, for reading: unrooted, and good until the next operation that may collect.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let number = s.alloc(7_u64)?;
    ///     s.collect_minor(); // the object has moved
    ///     assert_eq!(*number.get(s), 7);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `scope` is one of another heap.
    #[inline]
    pub fn get<'a>(self, scope: &'a Scope<'_>) -> Ref<'a, T> {
        scope.borrow(self)
    }
}

impl<T> Local<'_, T> {
    /// Where it is rooted.
    #[inline]
    pub(crate) fn slot(self) -> Slot {
        self.slot.as_ptr()
    }

    /// Whose root it is.
    #[inline]
    pub(crate) fn mutator(self) -> raw::Mutator {
        self.mutator
    }

    /// The object's present address.
    #[inline]
    pub(crate) fn object(self) -> *mut Object {
        // SAFETY: [Y3] the slot's scope is open while `'s` lasts, and `Local` stays on its thread.
        let slot = unsafe { root_slot(self.slot) };
        slot.load(Ordering::Relaxed)
    }
}

impl<T> Address for Local<'_, T> {
    #[inline]
    fn address(self, scope: &Scope<'_>) -> *mut Object {
        scope.check_mutator(self.mutator);
        self.object()
    }
}

impl<T> fmt::Debug for Local<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Local").field(&self.slot).finish()
    }
}

/// An unrooted reference to a `T`: valid as long as the scope it borrows is not used for something that may collect.
/// Plain fields are read through it directly.
///
/// Equality is identity.
///
/// ```
/// # use handfast::{Config, Heap};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let list = s.alloc_array::<u64>(2)?;
///     let seven = s.alloc(7_u64)?;
///     s.set_item(list, 0, seven);
///     let unrooted = list.get(s).item(0).expect("just stored"); // good until something may collect
///     assert_eq!(*unrooted, 7);
///     let rooted = s.root(unrooted); // good until the scope closes
///     s.collect_minor();
///     assert_eq!(*rooted.get(s), 7);
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Ref<'a, T> {
    object: NonNull<Object>,
    _scope: PhantomData<&'a T>,
}

impl<T> Clone for Ref<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ref<'_, T> {}

impl<'a, T: Managed> Ref<'a, T> {
    /// # Safety
    /// `object` is a valid `T` of the heap whose scope is borrowed for `'a`.
    #[inline]
    pub(crate) unsafe fn new(object: NonNull<Object>) -> Ref<'a, T> {
        Ref { object, _scope: PhantomData }
    }

    /// As `new`; null gives `None`.
    ///
    /// # Safety
    /// As `new`, unless null.
    #[inline]
    pub(crate) unsafe fn from_ptr(object: *mut Object) -> Option<Ref<'a, T>> {
        // SAFETY: [Y4] by the contract of this function.
        NonNull::new(object).map(|object| unsafe { Ref::new(object) })
    }

    #[inline]
    pub(crate) fn object(self) -> *mut Object {
        self.object.as_ptr()
    }

    /// Where the payload starts.
    #[inline]
    pub(crate) fn payload(self) -> *mut u8 {
        // SAFETY: [Y6] a valid object has a payload.
        unsafe { raw::payload(self.object()) }.cast()
    }
}

impl<'a, T: Trace> Ref<'a, T> {
    /// The object itself, for as long as the `Ref` is good.
    ///
    /// ```
    /// use handfast::{Config, Heap, Trace};
    ///
    /// #[derive(Trace)]
    /// struct Word {
    ///     length: u64,
    /// }
    ///
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let word = s.alloc(Word { length: 8 })?;
    ///     let contents: &Word = word.get(s).contents();
    ///     assert_eq!(contents.length, 8);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn contents(self) -> &'a T {
        // SAFETY: [Y4] the payload is a `T`, initialised before the object could be referred to. It stays in place and
        // alive for `'a`, since nothing on this thread collects meanwhile. It is shared only: what changes under a
        // shared borrow (fields, the handle slot, the embedder's atomics) is behind atomics.
        unsafe { &*self.payload().cast::<T>() }
    }

    /// What the field that `field` picks refers to. Costs one load: no check, no barrier.
    ///
    /// ```
    /// # use handfast::{Config, Field, Heap, Trace};
    /// #[derive(Trace)]
    /// struct Cell { value: u32, next: Field<Cell> }
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let a = s.alloc(Cell { value: 1, next: Field::null() })?;
    ///     assert!(a.get(s).get(|cell| &cell.next).is_none());
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn get<U, F>(self, field: F) -> Option<Ref<'a, U>>
    where
        U: Managed,
        F: for<'x> FnOnce(&'x T) -> &'x Field<U>,
    {
        let target = field(self.contents()).load();
        // SAFETY: [Y5] a field off the heap is null. One in the heap can only be a part of this object (the closure
        // must work for every lifetime, so it cannot return one that it brought along), hence of the heap whose scope
        // `'a` borrows, and refers to a valid `U` of that heap.
        unsafe { Ref::from_ptr(target) }
    }

    /// The offset in the payload of the field that `field` picks.
    ///
    /// # Panics
    /// If that is not a part of this object.
    #[inline]
    pub(crate) fn offset_of<U, F>(self, field: F) -> usize
    where
        F: for<'x> FnOnce(&'x T) -> &'x Field<U>,
    {
        let address = std::ptr::from_ref(field(self.contents())).addr();
        let offset = address.wrapping_sub(self.payload().addr());
        if offset >= size_of::<T>() {
            foreign_field();
        }
        offset
    }
}

#[cold]
#[inline(never)]
fn foreign_field() -> ! {
    panic!("the field is not a part of the object that it is to be written through");
}

impl<T: Trace> Deref for Ref<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        (*self).contents()
    }
}

impl<T> Address for Ref<'_, T> {
    #[inline]
    fn address(self, scope: &Scope<'_>) -> *mut Object {
        let address = self.object.as_ptr();
        scope.check_address(address);
        address
    }
}

impl<T> PartialEq for Ref<'_, T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
    }
}

impl<T> Eq for Ref<'_, T> {}

impl<T> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ref").field(&self.object).finish()
    }
}
