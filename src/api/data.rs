//! [`Data`]: an object that is a sequence of plain items, such as bytes, of a length chosen when it is made.
//!
//! The items are written before anybody else can know the object and are shared as `&[P]` from then on; to change them
//! later use atomics as items. The length is the word before the header. An item has a size above zero, needs no drop, and is
//! aligned to 8 at most: else it does not compile.

use crate::Error;
use crate::api::local::{Local, Ref};
use crate::api::scope::Scope;
use crate::api::trace::Plain;
use crate::object::Object;
use std::marker::PhantomData;

/// An object of plain items. Only ever seen as `Local<Data<P>>`, `Field<Data<P>>` and so on; reads as a slice.
///
/// ```
/// # use handfast::{Config, Heap};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let word = s.alloc_bytes(b"handfast")?;
///     s.collect_minor();
///     assert_eq!(word.get(s).as_slice(), b"handfast");
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Data<P>(PhantomData<fn(P) -> P>);

impl<P> std::fmt::Debug for Data<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Data")
    }
}

impl<'a, P: Plain> Ref<'a, Data<P>> {
    /// The items.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let primes = s.alloc_data(&[2_u32, 3, 5])?;
    ///     assert_eq!(primes.get(s).as_slice()[2], 5);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn as_slice(self) -> &'a [P] {
        // SAFETY: [Y4] a valid object, and data has items.
        let len = unsafe { Object::item_count(self.object()) };
        // SAFETY: [Y4] `len` items of type `P`, written by `alloc_data_with`, in place and alive for `'a`, and never
        // written again except through themselves.
        unsafe { std::slice::from_raw_parts(self.payload().cast::<P>(), len) }
    }

    /// The number of items.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     assert_eq!(s.alloc_bytes(b"four")?.get(s).len(), 4);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn len(self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     assert!(s.alloc_bytes(b"")?.get(s).is_empty());
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl<'a> Ref<'a, Data<u8>> {
    /// The bytes as text, if they are UTF-8.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let (text, bytes) = (s.alloc_bytes("grün".as_bytes())?, s.alloc_bytes(&[0xff])?);
    ///     assert_eq!((text.get(s).as_str(), bytes.get(s).as_str()), (Some("grün"), None));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn as_str(self) -> Option<&'a str> {
        std::str::from_utf8(self.as_slice()).ok()
    }
}

impl<P: Plain> AsRef<[P]> for Ref<'_, Data<P>> {
    fn as_ref(&self) -> &[P] {
        self.as_slice()
    }
}

impl<'s> Scope<'s> {
    /// A copy of `bytes` as an object, rooted in this scope. May collect.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let word = s.alloc_bytes(b"word")?;
    ///     assert_eq!(word.get(s).as_slice(), b"word");
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Scope::alloc_data`].
    #[inline]
    pub fn alloc_bytes(&mut self, bytes: &[u8]) -> Result<Local<'s, Data<u8>>, Error> {
        self.alloc_data(bytes)
    }

    /// A copy of `items` as an object, rooted in this scope. May collect.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let numbers = s.alloc_data(&[1.5_f64, 2.5])?;
    ///     s.collect_full();
    ///     assert_eq!(numbers.get(s).as_slice(), [1.5, 2.5]);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], after a full cycle has not helped, or if an object of that size is more than the heap
    /// can have.
    #[inline]
    pub fn alloc_data<P: Plain + Copy>(&mut self, items: &[P]) -> Result<Local<'s, Data<P>>, Error> {
        let local = self.alloc_items::<Data<P>>(items.len(), size_of::<P>())?;
        let start = self.borrow(local).payload().cast::<P>();
        // SAFETY: [Y6] as many items as `start` has room for; a new object, which overlaps nothing.
        unsafe { start.copy_from_nonoverlapping(items.as_ptr(), items.len()) };
        Ok(local)
    }

    /// An object of `len` items, each made by `item` from its index, rooted in this scope. May collect, before the first
    /// call of `item`.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let counters = s.alloc_data_with(16, |_| AtomicU64::new(0))?;
    ///     counters.get(s).as_slice()[3].fetch_add(1, Relaxed);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Scope::alloc_data`].
    pub fn alloc_data_with<P: Plain>(
        &mut self,
        len: usize,
        mut item: impl FnMut(usize) -> P,
    ) -> Result<Local<'s, Data<P>>, Error> {
        let local = self.alloc_items::<Data<P>>(len, size_of::<P>())?;
        // The scope is borrowed from here on, so `item` cannot make the object move. If it panics, nobody has seen the
        // items that are missing.
        let start = self.borrow(local).payload().cast::<P>();
        for index in 0..len {
            let value = item(index);
            // SAFETY: [Y6] below the number of items, so within the payload.
            let place = unsafe { start.add(index) };
            // SAFETY: [Y6] in the payload of a new object that nobody else knows.
            unsafe { place.write(value) };
        }
        Ok(local)
    }
}
