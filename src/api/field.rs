//! The words of an object that the collector knows: [`Field`], a reference, and [`HandleSlot`], where a linked object
//! keeps its `PyObject`.
//!
//! **A `Field` off the heap is always null**: it is created null, cannot be copied, and is only ever written through
//! [`Scope::set`](crate::Scope::set), which takes the object, checks that the field lies in it, and runs the write barrier. So an object
//! may be built anywhere and moved into the heap by value, and a `&'static Field` that someone leaks leads nowhere.
//!
//! Any thread may read the field of a published object while another writes it. A load is `Acquire` and pairs with the
//! release of the store that published the value (`raw::Mutator::store`): who sees the reference sees the contents.

use crate::api::trace::{RefMap, Trace};
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
