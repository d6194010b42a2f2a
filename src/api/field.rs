//! The words of an object that the collector knows: [`Field`], a reference, and [`HandleSlot`], where a linked object
//! keeps its `PyObject`.
//!
//! **A `Field` off the heap is always null**: it is created null, cannot be copied, and is only ever written through
//! [`Scope::set`](crate::Scope::set), which takes the object, checks that the field lies in it, and runs the write barrier. So an object
//! may be built anywhere and moved into the heap by value, and a `&'static Field` that someone leaks leads nowhere.
//!
//! Any thread may read the field of a published object while another writes it. A load is `Acquire` and pairs with the
//! release of the store that published the value (`raw::Mutator::store`): who sees the reference sees the contents.

use crate::api::local::Ref;
use crate::api::reference::{Reference, Value};
use crate::api::scope::Scope;
use crate::api::trace::{Managed, RefMap, Trace};
use crate::object::{Object, reference};
use crate::sync::atomic::{AtomicPtr, AtomicUsize};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::null_mut;

/// A reference to a `T` inside an object, or null. Read it with [`Scope::get`](crate::Scope::get) or
/// [`Ref::get`](crate::Ref::get), write it with [`Scope::set`](crate::Scope::set).
///
/// ```
/// use handfast::{Config, Field, Heap, Trace};
///
/// #[derive(Trace)]
/// struct Cell {
///     value: u32,
///     next: Field<Cell>,
/// }
///
/// let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let a = s.alloc(Cell { value: 1, next: Field::null() })?;
///     let b = s.alloc(Cell { value: 2, next: Field::null() })?;
///     s.set(a, |cell| &cell.next, b);
///     assert_eq!(s.get(a, |cell| &cell.next).unwrap().value, 2);
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
#[repr(transparent)]
pub struct Field<T> {
    slot: AtomicPtr<Object>,
    /// Invariant in `T`: fields are read and written.
    _target: PhantomData<fn(T) -> T>,
}

impl<T> Field<T> {
    /// The null reference: the only value a field has outside of the heap.
    ///
    /// ```
    /// use handfast::Field;
    /// let nothing = Field::<u64>::null();
    /// // Off the heap it stays null; an object that is made of it can refer to something.
    /// assert_eq!(format!("{nothing:?}"), format!("{:?}", Field::<u64>::default()));
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub const fn null() -> Field<T> {
        Field { slot: AtomicPtr::new(null_mut()), _target: PhantomData }
    }

    /// The object it refers to, or null.
    #[inline]
    pub(crate) fn load(&self) -> *mut Object {
        reference::follow(&self.slot)
    }
}

impl<T> Default for Field<T> {
    fn default() -> Field<T> {
        Field::null()
    }
}

impl<T> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Field").field(&self.load()).finish()
    }
}

// SAFETY: [Y6] the map is the one word that a field is.
unsafe impl<T: 'static> Trace for Field<T> {
    const REFS: RefMap = RefMap::reference();
    const NAME: &'static str = "field";
}

/// The word in which an object keeps the address of its `PyObject`. A type with one finds its handle by one load; a type
/// without may be linked too, through a table. At most one in a type.
///
/// ```
/// use handfast::{HandleSlot, Trace};
///
/// #[derive(Trace)]
/// struct PyInt {
///     value: i64,
///     handle: HandleSlot,
/// }
/// assert!(<PyInt as Trace>::REFS.handle_slot().is_some());
/// ```
#[repr(transparent)]
#[derive(Debug, Default)]
pub struct HandleSlot {
    word: AtomicUsize,
}

impl HandleSlot {
    /// An empty slot: the only value it has outside of the heap.
    ///
    /// ```
    /// use handfast::{Config, HandleSlot, Heap, LinkFlags, Trace};
    ///
    /// #[derive(Trace)]
    /// struct Object {
    ///     handle: HandleSlot, // the handle is found in one load
    /// }
    ///
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let object = s.alloc(Object { handle: HandleSlot::new() })?;
    ///     let handle = s.handle(object, 24, std::ptr::null_mut(), LinkFlags::LIGHT)?;
    ///     assert_eq!(s.from_obj(object).map(|found| found.as_ptr()), Some(handle.as_ptr()));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub const fn new() -> HandleSlot {
        HandleSlot { word: AtomicUsize::new(0) }
    }
}

// SAFETY: [Y6] the map is the one word that a slot is.
unsafe impl Trace for HandleSlot {
    const REFS: RefMap = RefMap::slot();
    const NAME: &'static str = "handle slot";
}

/// Fields of objects. None of this collects.
impl Scope<'_> {
    /// What a field of `source` refers to.
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
    ///     let pair = s.alloc(Pair { left: Field::null(), right: Field::null() })?;
    ///     let one = s.alloc(1_u64)?;
    ///     s.set(pair, |pair| &pair.left, one);
    ///     assert_eq!(s.get(pair, |pair| &pair.left).as_deref(), Some(&1));
    ///     assert_eq!(s.get(pair, |pair| &pair.right), None);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `source` is an object of another heap.
    #[inline]
    pub fn get<'a, R, U, F>(&'a self, source: R, field: F) -> Option<Ref<'a, U>>
    where
        R: Reference,
        R::Target: Trace,
        U: Managed,
        F: for<'x> FnOnce(&'x R::Target) -> &'x Field<U>,
    {
        self.borrow(source).get(field)
    }

    /// Makes a field of `source` refer to `value` (`None`: to nothing), with the write barrier.
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
    ///     let pair = s.alloc(Pair { left: Field::null(), right: Field::null() })?;
    ///     let one = s.alloc(1_u64)?;
    ///     s.set(pair, |pair| &pair.left, one);
    ///     s.set(pair, |pair| &pair.right, s.get(pair, |pair| &pair.left));
    ///     s.collect_minor();
    ///     assert_eq!(s.get(pair, |pair| &pair.right).as_deref(), Some(&1));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `source` or `value` is of another heap, or the field is not a part of `source`.
    #[inline]
    pub fn set<R, U, F, V>(&self, source: R, field: F, value: V)
    where
        R: Reference,
        R::Target: Trace,
        U: Managed,
        F: for<'x> FnOnce(&'x R::Target) -> &'x Field<U>,
        V: Value<Target = U>,
    {
        let source = self.borrow(source);
        let offset = source.offset_of(field);
        let value = value.nullable(self);
        // SAFETY: [Y5] `offset` is that of a `Field<U>` in `source`; `value` is null or a valid `U` of this heap.
        unsafe { self.raw().store(source.object(), offset, value) }
    }

    /// Makes a field of `source` refer to nothing.
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
    ///     let pair = s.alloc(Pair { left: Field::null(), right: Field::null() })?;
    ///     let one = s.alloc(1_u64)?;
    ///     s.set(pair, |pair| &pair.left, one);
    ///     s.clear(pair, |pair| &pair.left);
    ///     assert_eq!(s.get(pair, |pair| &pair.left), None);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`Scope::set`].
    #[inline]
    pub fn clear<R, U, F>(&self, source: R, field: F)
    where
        R: Reference,
        R::Target: Trace,
        U: Managed,
        F: for<'x> FnOnce(&'x R::Target) -> &'x Field<U>,
    {
        self.set(source, field, None::<Ref<'_, U>>);
    }

    /// Makes a field of `source` refer to `new` if it refers to `expected` (`None`: to nothing), with the write barrier;
    /// whether it did. If other threads can reach `source` this is one atomic step, and `new` is published first, so it is
    /// public whatever the answer is.
    ///
    /// ```
    /// use handfast::{Config, Field, Heap, Ref, Trace};
    ///
    /// #[derive(Trace)]
    /// struct Stack {
    ///     top: Field<Cell>,
    /// }
    /// #[derive(Trace)]
    /// struct Cell {
    ///     value: u64,
    ///     next: Field<Cell>,
    /// }
    ///
    /// let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let stack = s.alloc(Stack { top: Field::null() })?;
    ///     let cell = s.alloc(Cell { value: 1, next: Field::null() })?;
    ///     loop {
    ///         let top = s.get(stack, |stack| &stack.top);
    ///         s.set(cell, |cell| &cell.next, top);
    ///         if s.compare_set(stack, |stack| &stack.top, top, cell) {
    ///             break; // no other thread has pushed meanwhile
    ///         }
    ///     }
    ///     assert_eq!(s.get(stack, |stack| &stack.top).unwrap().value, 1);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`Scope::set`].
    #[inline]
    pub fn compare_set<R, U, F, E, V>(&self, source: R, field: F, expected: E, new: V) -> bool
    where
        R: Reference,
        R::Target: Trace,
        U: Managed,
        F: for<'x> FnOnce(&'x R::Target) -> &'x Field<U>,
        E: Value<Target = U>,
        V: Value<Target = U>,
    {
        let source = self.borrow(source);
        let offset = source.offset_of(field);
        let (expected, new) = (expected.nullable(self), new.nullable(self));
        // SAFETY: [Y5] as in `set`; `expected` is null or valid and of this heap too.
        unsafe { self.raw().compare_store(source.object(), offset, expected, new) }
    }
}
