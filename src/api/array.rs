//! [`Array`]: an object whose items are references, of a length chosen when it is made.
//!
//! The items follow the header; their count is the word before it. Reading and writing an item is reading and writing a
//! field: the same loads, the same barrier, the same ownership check.

use crate::Error;
use crate::api::local::{Local, Ref};
use crate::api::reference::{Reference, Value};
use crate::api::scope::Scope;
use crate::api::trace::Managed;
use crate::object::{Object, reference};
use crate::sync::atomic::AtomicPtr;
use std::marker::PhantomData;

/// An object of `len` references to `T`s, null at first. Only ever seen as `Local<Array<T>>`, `Field<Array<T>>` and so on.
///
/// ```
/// # use handfast::{Config, Heap};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let squares = s.alloc_array::<u64>(10)?;
///     for i in 0..10 {
///         let square = s.alloc((i * i) as u64)?;
///         s.set_item(squares, i, square);
///     }
///     assert_eq!(squares.get(s).len(), 10);
///     assert_eq!(s.item(squares, 7).as_deref(), Some(&49));
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Array<T>(PhantomData<fn(T) -> T>);

impl<T> std::fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Array")
    }
}

impl<'a, T: Managed> Ref<'a, Array<T>> {
    /// The number of items.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let table = s.alloc_array::<u64>(3)?;
    ///     assert_eq!((table.get(s).len(), table.get(s).is_empty()), (3, false));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn len(self) -> usize {
        // SAFETY: [Y4] a valid object, and arrays have items.
        unsafe { Object::item_count(self.object()) }
    }

    /// Whether there are none.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     assert!(s.alloc_array::<u64>(0)?.get(s).is_empty());
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// What item `index` refers to.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let table = s.alloc_array::<u64>(2)?;
    ///     let seven = s.alloc(7_u64)?;
    ///     s.set_item(table, 1, seven);
    ///     let table = table.get(s);
    ///     assert_eq!((table.item(0), table.item(1).as_deref()), (None, Some(&7)));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `index` is not below the length.
    #[inline]
    pub fn item(self, index: usize) -> Option<Ref<'a, T>> {
        self.check(index);
        // SAFETY: [Y6] below the number of items, so within the payload.
        let slot = unsafe { self.payload().cast::<*mut Object>().add(index) };
        // SAFETY: [Y3] an item is a slot, valid and aligned while the array is, and shared only as an atomic.
        let slot = unsafe { AtomicPtr::from_ptr(slot) };
        let target = reference::follow(slot);
        // SAFETY: [Y4] null, or a valid `T` of the heap whose scope `'a` borrows.
        unsafe { Ref::from_ptr(target) }
    }

    /// All items in order.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let table = s.alloc_array::<u64>(3)?;
    ///     let seven = s.alloc(7_u64)?;
    ///     s.set_item(table, 1, seven);
    ///     assert_eq!(table.get(s).iter().flatten().map(|number| *number).sum::<u64>(), 7);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn iter(self) -> impl ExactSizeIterator<Item = Option<Ref<'a, T>>> {
        (0..self.len()).map(move |index| self.item(index))
    }

    #[inline]
    fn check(self, index: usize) {
        let len = self.len();
        if index >= len {
            out_of_bounds(index, len);
        }
    }
}

/// Takes numbers: a message that is made on the spot would keep them in memory.
#[cold]
#[inline(never)]
fn out_of_bounds(index: usize, len: usize) -> ! {
    panic!("item {index} of an array of {len}");
}

impl<'s> Scope<'s> {
    /// A new array of `len` nulls, rooted in this scope. May collect.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let table = s.alloc_array::<u64>(1000)?;
    ///     assert!(table.get(s).iter().all(|item| item.is_none()));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], after a full cycle has not helped, or if an object of that size is more than the heap
    /// can have.
    #[inline]
    pub fn alloc_array<T: Managed>(&mut self, len: usize) -> Result<Local<'s, Array<T>>, Error> {
        self.alloc_items(len, size_of::<*mut Object>())
    }

    /// What item `index` of `array` refers to.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let table = s.alloc_array::<u64>(2)?;
    ///     let seven = s.alloc(7_u64)?;
    ///     s.set_item(table, 1, seven);
    ///     assert_eq!(s.item(table, 1).as_deref(), Some(&7));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `index` is not below the length, or `array` is of another heap.
    #[inline]
    pub fn item<R, T>(&self, array: R, index: usize) -> Option<Ref<'_, T>>
    where
        R: Reference<Target = Array<T>>,
        T: Managed,
    {
        self.borrow(array).item(index)
    }

    /// Makes item `index` of `array` refer to `value` (`None`: to nothing), with the write barrier.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let table = s.alloc_array::<u64>(2)?;
    ///     let seven = s.alloc(7_u64)?;
    ///     s.set_item(table, 0, seven);
    ///     s.set_item(table, 1, s.item(table, 0)); // what another item refers to
    ///     s.collect_minor();
    ///     assert_eq!(s.item(table, 1).as_deref(), Some(&7));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `index` is not below the length, or `array` or `value` is of another heap.
    #[inline]
    pub fn set_item<R, T, V>(&self, array: R, index: usize, value: V)
    where
        R: Reference<Target = Array<T>>,
        T: Managed,
        V: Value<Target = T>,
    {
        let array = self.borrow(array);
        array.check(index);
        let value = value.nullable(self);
        // SAFETY: [Y5] item `index` exists; `value` is null or a valid `T` of this heap.
        unsafe { self.raw().store(array.object(), index * size_of::<*mut Object>(), value) }
    }

    /// Makes item `index` of `array` refer to `new` if it refers to `expected` (`None`: to nothing), with the write
    /// barrier; whether it did. See [`Scope::compare_set`].
    ///
    /// ```
    /// # use handfast::{Config, Heap, Ref};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let table = s.alloc_array::<u64>(8)?;
    ///     let (one, two) = (s.alloc(1_u64)?, s.alloc(2_u64)?);
    ///     assert!(s.compare_set_item(table, 3, None::<Ref<'_, u64>>, one));
    ///     assert!(!s.compare_set_item(table, 3, None::<Ref<'_, u64>>, two), "somebody was first");
    ///     assert_eq!(s.item(table, 3).as_deref(), Some(&1));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `index` is not below the length, or `array`, `expected` or `new` is of another heap.
    #[inline]
    pub fn compare_set_item<R, T, E, V>(&self, array: R, index: usize, expected: E, new: V) -> bool
    where
        R: Reference<Target = Array<T>>,
        T: Managed,
        E: Value<Target = T>,
        V: Value<Target = T>,
    {
        let array = self.borrow(array);
        array.check(index);
        let (expected, new) = (expected.nullable(self), new.nullable(self));
        // SAFETY: [Y5] as in `set_item`; `expected` is null or valid and of this heap too.
        unsafe { self.raw().compare_store(array.object(), index * size_of::<*mut Object>(), expected, new) }
    }

    /// Makes item `index` of `array` refer to nothing.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let table = s.alloc_array::<u64>(2)?;
    ///     let seven = s.alloc(7_u64)?;
    ///     s.set_item(table, 0, seven);
    ///     s.clear_item(table, 0);
    ///     assert_eq!(s.item(table, 0), None);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`Scope::set_item`].
    #[inline]
    pub fn clear_item<R, T>(&self, array: R, index: usize)
    where
        R: Reference<Target = Array<T>>,
        T: Managed,
    {
        self.set_item(array, index, None::<Ref<'_, T>>);
    }
}
