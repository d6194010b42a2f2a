//! New objects: how a value gets into one, and [`Fresh`], an object that is being made, whose references are set without a
//! barrier.
//!
//! A field off the heap is null, so a new object has no references at first. [`Scope::alloc_with`] lets a closure set them
//! before anybody else can know the object: it is private, nothing on this thread collects while the closure runs, and it is
//! young (or remembered as a whole, where no block was free for the nursery). So a plain store is enough, as in the raw
//! layer's `alloc_uninit`. What the closure is handed neither leaves it nor counts as a reference, so the object can be stored
//! nowhere, published, or allocated over; all of that does not compile (`tests/ui`).

use crate::Error;
use crate::api::field::Field;
use crate::api::local::{Local, Ref};
use crate::api::raw;
use crate::api::reference::Value;
use crate::api::scope::{Scope, out_of_memory};
use crate::api::trace::{Managed, Trace};
use crate::object::{Object, Slot, TypeInfo, slot};
use crate::sync::atomic::Ordering;
use std::fmt;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// An object that [`Scope::alloc_with`] is making: its fields can be set, and that is all.
pub struct Fresh<'a, 's, T> {
    object: Ref<'a, T>,
    scope: &'a Scope<'s>,
}

impl<'s, T: Trace> Fresh<'_, 's, T> {
    /// Makes a field refer to `value` (`None`: to nothing). Costs a store: there is no barrier.
    ///
    /// ```
    /// use handfast::{Config, Field, Heap, Trace};
    ///
    /// #[derive(Trace)]
    /// struct Pair {
    ///     left: Field<u64>,
    ///     right: Field<u64>,
    /// }
    ///
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let one = s.alloc(1_u64)?;
    ///     let pair = s.alloc_with(Pair { left: Field::null(), right: Field::null() }, |new| {
    ///         new.set(|pair| &pair.left, one);
    ///         new.set(|pair| &pair.right, one);
    ///     })?;
    ///     assert_eq!(s.get(pair, |pair| &pair.right).as_deref(), Some(&1));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `value` is of another heap, or the field is not a part of the object.
    #[inline]
    pub fn set<U, F, V>(&self, field: F, value: V)
    where
        U: Managed,
        F: for<'x> FnOnce(&'x T) -> &'x Field<U>,
        V: Value<Target = U>,
    {
        let at = self.object.payload().wrapping_add(self.object.offset_of(field));
        let value = value.nullable(self.scope);
        let slot: Slot = at.cast();
        // Relaxed: whoever makes the object known to others orders its contents before.
        // SAFETY: [Y12] a `Field<U>` of an object that nobody else knows; `value` is null or a valid `U` of this heap.
        unsafe { slot::atomic(slot) }.store(value, Ordering::Relaxed);
    }

    /// The scope, for reading what the fields are to refer to. It cannot collect.
    ///
    /// ```
    /// use handfast::{Config, Field, Heap, Trace};
    ///
    /// #[derive(Trace)]
    /// struct Cell { value: u64, next: Field<Cell> }
    ///
    /// let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let cell = |value| Cell { value, next: Field::null() };
    ///     let last = s.alloc(cell(1))?;
    ///     let middle = s.alloc_with(cell(2), |new| new.set(|cell| &cell.next, last))?;
    ///     let short_cut = s.alloc_with(cell(3), |new| {
    ///         let next = new.scope().get(middle, |cell| &cell.next);
    ///         new.set(|cell| &cell.next, next);
    ///     })?;
    ///     assert_eq!(s.get(short_cut, |cell| &cell.next).unwrap().value, 1);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn scope(&self) -> &Scope<'s> {
        self.scope
    }
}

impl<T> fmt::Debug for Fresh<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fresh").field(&self.object).finish()
    }
}

/// A new object of fixed size, where there is no room for it at hand.
///
/// # Safety
/// The calling thread's mutator, and none of its unrooted references is alive.
#[cold]
#[inline(never)]
pub(crate) unsafe fn alloc_slow(raw: raw::Mutator, info: &'static TypeInfo) -> Result<*mut Object, Error> {
    // SAFETY: [Y2] by the contract of this function.
    let object = unsafe { raw.alloc_slow(info, 0) };
    if object.is_null() {
        // SAFETY: [Y1] attached to this thread.
        return Err(out_of_memory(unsafe { raw.heap() }, info.size));
    }
    Ok(object)
}

/// Moves `value` into a new object.
///
/// # Safety
/// Just allocated, described by `T::INFO`.
#[inline(always)]
pub(crate) unsafe fn init<T: Trace>(object: *mut Object, value: T) {
    // SAFETY: [Y6] a new object has a payload of the size in `INFO`.
    let payload = unsafe { raw::payload(object) };
    let words = size_of::<T>() / 8;
    if words > 8 || !size_of::<T>().is_multiple_of(8) {
        // SAFETY: [Y6] large enough and aligned to 8 (`Info::CHECKED`); nobody else knows it. The fields of `value` are null,
        // so nothing needs a barrier, and nothing has to be dropped.
        unsafe { payload.cast::<T>().write(value) };
        return;
    }
    // A small value word by word, else arrays in it would be made in memory and copied from there.
    let (to, from) = (payload.cast::<MaybeUninit<u64>>(), (&raw const value).cast::<MaybeUninit<u64>>());
    let copy = |i: usize| {
        if i < words {
            // SAFETY: [Y6] as above, and each word lies within both.
            unsafe { copy_word(from.wrapping_add(i), to.wrapping_add(i)) };
        }
    };
    copy(0);
    copy(1);
    copy(2);
    copy(3);
    copy(4);
    copy(5);
    copy(6);
    copy(7);
}

/// # Safety
/// Both are words, and `to` is nobody else's.
#[inline(always)]
unsafe fn copy_word(from: *const MaybeUninit<u64>, to: *mut MaybeUninit<u64>) {
    // SAFETY: [Y6] a word, by the contract of this function; a value may be aligned to less.
    let word = unsafe { from.read_unaligned() };
    // SAFETY: [Y6] a word of a payload, which is aligned.
    unsafe { to.write(word) };
}

impl<'s> Scope<'s> {
    /// Moves `value` into a new object, has `fill` set its fields, and roots it in this scope: as [`Scope::alloc`] followed by
    /// [`Scope::set`] for each field, but without write barriers. May collect, before `fill` is called.
    ///
    /// ```
    /// use handfast::{Config, Error, Field, Heap, Local, Scope, Trace};
    ///
    /// #[derive(Trace)]
    /// struct Tree { size: u64, left: Field<Tree>, right: Field<Tree> }
    ///
    /// fn build<'s>(s: &mut Scope<'s>, depth: u32) -> Result<Local<'s, Tree>, Error> {
    ///     let tree = Tree { size: (2 << depth) - 1, left: Field::null(), right: Field::null() };
    ///     if depth == 0 {
    ///         return s.alloc(tree);
    ///     }
    ///     s.escape(|t| {
    ///         let (left, right) = (build(t, depth - 1)?, build(t, depth - 1)?);
    ///         t.alloc_with(tree, |new| {
    ///             new.set(|n| &n.left, left);
    ///             new.set(|n| &n.right, right);
    ///         })
    ///     })
    /// }
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let tree = build(s, 4)?.get(s);
    ///     assert_eq!((tree.size, tree.get(|n| &n.left).map(|left| left.size)), (31, Some(15)));
    ///     Ok::<(), Error>(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], after a full cycle has not helped; `fill` is not called then. The heap stays usable.
    #[inline]
    pub fn alloc_with<T: Trace>(
        &mut self,
        value: T,
        fill: impl FnOnce(&Fresh<'_, 's, T>),
    ) -> Result<Local<'s, T>, Error> {
        // A copy stays in registers: `self` may have been anywhere.
        // SAFETY: [Y1] `&mut self` is borrowed until the end, and not used.
        let mut scope = unsafe { self.copy() };
        let object: *mut Object = scope.alloc_object(value)?;
        // SAFETY: [Y4] a valid `T` of this heap, not null, and nothing collects while `fill` has the scope.
        let fresh = unsafe { Ref::new(NonNull::new_unchecked(object)) };
        fill(&Fresh { object: fresh, scope: &scope });
        // SAFETY: [Y4] as above, until here.
        Ok(unsafe { scope.root_raw(object) })
    }
}
