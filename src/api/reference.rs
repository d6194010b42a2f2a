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
