//! [`Var`]: a root that can be set again, for loops.
//!
//! A [`Local`](crate::Local) is set once, and each costs a slot until its scope closes. A `Var` is one slot for a value
//! that changes: a cursor, an accumulator, a result that leaves an inner scope. It remembers its mutator, since an empty
//! slot cannot tell which heap it belongs to.

use crate::api::error::Error;
use crate::api::local::{Ref, root_slot};
use crate::api::raw;
use crate::api::reference::Value;
use crate::api::scope::Scope;
use crate::api::trace::{Managed, Trace};
use crate::object::Object;
use crate::sync::atomic::Ordering;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A rooted variable: holds a reference to a `T`, or nothing. Made by [`Scope::var`].
///
/// ```
/// # use handfast::{Config, Heap, Var};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let last = s.var::<u64>();
///     for i in 0..1000_u64 {
///         s.scope(|t| {
///             let number = t.alloc(i)?; // its root goes with the inner scope
///             last.set(t, number);
///             Ok(())
///         })?;
///     }
///     assert_eq!(*last.get(s).unwrap(), 999);
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Var<'s, T> {
    slot: NonNull<*mut Object>,
    mutator: raw::Mutator,
    _scope: PhantomData<fn(&'s ()) -> &'s ()>,
    _target: PhantomData<fn(T) -> T>,
}

impl<'s, T: Managed> Var<'s, T> {
    /// # Safety
    /// `slot` is a root slot of the scope `'s` of `mutator`, holds null or a `T`, and belongs to nobody else.
    #[inline]
    pub(crate) unsafe fn new(slot: NonNull<*mut Object>, mutator: raw::Mutator) -> Var<'s, T> {
        Var { slot, mutator, _scope: PhantomData, _target: PhantomData }
    }

    /// What it holds, for reading.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let var = s.var::<u64>();
    ///     assert_eq!(var.get(s), None);
    ///     var.alloc(s, 7)?;
    ///     assert_eq!(var.get(s).as_deref(), Some(&7));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `scope` is one of another heap.
    #[inline]
    pub fn get<'a>(&self, scope: &'a Scope<'_>) -> Option<Ref<'a, T>> {
        scope.check_mutator(self.mutator);
        // SAFETY: [Y3] the slot's scope is open while `'s` lasts, and `Var` stays on its thread.
        let object = unsafe { root_slot(self.slot) }.load(Ordering::Relaxed);
        // SAFETY: [Y4] null, or a `T` of the mutator whose scope is borrowed.
        unsafe { Ref::from_ptr(object) }
    }

    /// Makes it hold `value`.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let (var, number) = (s.var::<u64>(), s.alloc(7_u64)?);
    ///     var.set(s, number);
    ///     assert_eq!(var.get(s).as_deref(), Some(&7));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `scope` or `value` is of another heap.
    #[inline]
    pub fn set(&self, scope: &Scope<'_>, value: impl Value<Target = T>) {
        scope.check_mutator(self.mutator);
        let object = value.nullable(scope);
        // SAFETY: [Y3] the slot's scope is open while `'s` lasts, and `Var` stays on its thread.
        unsafe { root_slot(self.slot) }.store(object, Ordering::Relaxed);
    }

    /// Makes it hold a new object: as [`Scope::alloc`] followed by [`Var::set`], without a root of its own. May collect.
    ///
    /// ```
    /// # use handfast::{Config, Field, Heap, Trace};
    /// #[derive(Trace)]
    /// struct Point(f64, f64);
    ///
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let point = s.var::<Point>();
    ///     for i in 0..1000 {
    ///         point.alloc(s, Point(f64::from(i), 0.5))?;
    ///     }
    ///     assert_eq!(point.get(s).map(|p| p.0), Some(999.0));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: it holds what it held.
    ///
    /// # Panics
    /// If `scope` is one of another heap.
    #[inline]
    pub fn alloc(&self, scope: &mut Scope<'_>, value: T) -> Result<(), Error>
    where
        T: Trace,
    {
        scope.check_mutator(self.mutator);
        let object = scope.alloc_object(value)?;
        // SAFETY: [Y3] the slot's scope is open while `'s` lasts, and `Var` stays on its thread.
        unsafe { root_slot(self.slot) }.store(object, Ordering::Relaxed);
        Ok(())
    }

    /// Makes it hold nothing.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let var = s.var::<u64>();
    ///     var.alloc(s, 7)?;
    ///     var.clear(s);
    ///     assert_eq!(var.get(s), None);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `scope` is one of another heap.
    #[inline]
    pub fn clear(&self, scope: &Scope<'_>) {
        self.set(scope, None::<Ref<'_, T>>);
    }
}

impl<T> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Var").field(&self.slot).finish()
    }
}
