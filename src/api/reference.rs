//! What counts as a reference to an object where an operation wants one: [`Reference`] and [`Value`].
//!
//! Both are closed: `Local` and `Ref` are references, and those and their `Option`s are values. Each operation
//! checks that what it is handed is of its own heap: a `Local` knows its mutator (one comparison); a `Ref` is only an
//! address, which must lie in the range of the heap.

use crate::api::local::{Local, Ref};
use crate::api::scope::Scope;
use crate::api::trace::Managed;
use crate::object::Object;

pub(crate) mod sealed {
    use super::{Object, Scope};

    /// The address behind a reference.
    pub trait Address {
        /// The object's present address, of the heap of `scope`. The scope shows that the thread runs, so that nobody is
        /// moving the object. Panics if the object is of another heap.
        fn address(self, scope: &Scope<'_>) -> *mut Object;
    }

    /// The address behind a value, or null.
    pub trait Nullable {
        /// As `Address::address`; null for `None`.
        fn nullable(self, scope: &Scope<'_>) -> *mut Object;
    }
}

/// A reference to an object: [`Local`] or [`Ref`].
///
/// ```
/// use handfast::{Config, Heap, Reference, Scope};
///
/// fn twice<R: Reference<Target = u64>>(s: &Scope<'_>, number: R) -> u64 {
///     *s.borrow(number) * 2
/// }
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let rooted = s.alloc(4_u64)?;
///     assert_eq!(twice(s, rooted), twice(s, rooted.get(s)));
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub trait Reference: Copy + sealed::Address {
    /// What it refers to.
    type Target: Managed;
}

impl<T: Managed> Reference for Local<'_, T> {
    type Target = T;
}

impl<T: Managed> Reference for Ref<'_, T> {
    type Target = T;
}

/// What may be stored in a field: a [`Reference`], or an `Option` of one, where `None` is null.
///
/// ```
/// # use handfast::{Config, Heap};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let pair = s.alloc_array::<u64>(2)?;
///     let one = s.alloc(1_u64)?;
///     s.set_item(pair, 0, one); // a rooted reference
///     s.set_item(pair, 1, pair.get(s).item(0)); // an unrooted one, or nothing
///     assert_eq!(pair.get(s).item(1).as_deref(), Some(&1));
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub trait Value: Copy + sealed::Nullable {
    /// What it refers to.
    type Target: Managed;
}

impl<R: Reference> Value for R {
    type Target = R::Target;
}

impl<R: Reference> Value for Option<R> {
    type Target = R::Target;
}

impl<R: Reference> sealed::Nullable for R {
    #[inline]
    fn nullable(self, scope: &Scope<'_>) -> *mut Object {
        self.address(scope)
    }
}

impl<R: Reference> sealed::Nullable for Option<R> {
    #[inline]
    fn nullable(self, scope: &Scope<'_>) -> *mut Object {
        self.map_or(std::ptr::null_mut(), |reference| reference.address(scope))
    }
}
