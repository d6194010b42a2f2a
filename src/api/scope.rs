//! [`Scope`]: where a thread makes, reads and writes objects.
//!
//! A scope is a region of the mutator's root stack and the right to use the mutator. The type system does the rest:
//!
//! 1. What may collect takes `&mut Scope`; what cannot takes `&Scope`.
//! 2. An unrooted [`Ref`] borrows the scope it came from, so none is alive when something collects.
//! 3. A root ([`Local`], [`Var`]) is branded with `'s`, which is new for every scope: it cannot leave.
//! 4. An inner scope and native state borrow the outer scope by `&mut`: there is one usable scope per mutator at a time.
//! 5. Scopes of different heaps may be open on one thread. An operation that is handed a reference checks that it is of its
//!    own heap ([`Scope::borrow`] and all that is built on it).
//!
//! What runs inside an operation that may collect (finalizers, the dead notifier) can therefore have a scope of its own.
//! Nothing here is shared between threads.

use crate::api::fresh;
use crate::api::local::{Local, Ref};
use crate::api::open::Open;
use crate::api::raw;
use crate::api::reference::Reference;
use crate::api::trace::{Managed, Trace};
use crate::api::var::Var;
use crate::object::Object;
use crate::{Error, Verified};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;

/// An open scope; `'s` is its name. Got from [`Mutator::scope`](crate::Mutator::scope) or [`Scope::scope`].
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
/// let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let pair = s.alloc(Pair { left: Field::null(), right: Field::null() })?;
///     let one = s.alloc(1_u64)?;
///     s.set(pair, |p| &p.left, one);
///     s.collect_full();
///     assert_eq!(s.get(pair, |p| &p.left).as_deref(), Some(&1));
///     assert_eq!(s.get(pair, |p| &p.right), None);
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Scope<'s> {
    raw: raw::Mutator,
    /// Borrowed from the mutator for as long as the scope is open; a counted clone would cost each scope a write.
    heap: NonNull<Rc<raw::Heap>>,
    /// Invariant in `'s`.
    _name: PhantomData<fn(&'s ()) -> &'s ()>,
}

/// Opens a scope on `raw`, runs `body`, closes it; also on a panic.
///
/// # Safety
/// `raw` is attached to the calling thread and to `heap`, stays so while `body` runs, and no other scope of it is used
/// meanwhile.
#[inline]
pub(crate) unsafe fn enter<R>(
    raw: raw::Mutator,
    heap: &Rc<raw::Heap>,
    body: impl for<'s> FnOnce(&mut Scope<'s>) -> R,
) -> R {
    // SAFETY: [Y1] attached to this thread, by the contract of this function.
    let _open = unsafe { Open::new(raw) };
    body(&mut Scope { raw, heap: NonNull::from(heap), _name: PhantomData })
}

/// What may collect.
impl<'s> Scope<'s> {
    /// Moves `value` into a new object, rooted in this scope. May collect.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let number = s.alloc(7_u64)?;
    ///     assert_eq!(*number.get(s), 7);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], after a full cycle has not helped. The heap stays usable.
    #[inline]
    pub fn alloc<T: Trace>(&mut self, value: T) -> Result<Local<'s, T>, Error> {
        let object = self.alloc_object(value)?;
        // SAFETY: [Y4] a valid `T`, and nothing has collected since.
        Ok(unsafe { self.root_raw(object) })
    }

    /// A new object that nothing holds yet: the caller stores it in a root at once.
    #[inline]
    pub(crate) fn alloc_object<T: Trace>(&mut self, value: T) -> Result<*mut Object, Error> {
        // Each way has a write of its own: where the two meet the value would have to be in memory.
        // SAFETY: [Y2] rule 1: no unrooted reference is alive. `INFO` describes a `T`.
        if let Some(object) = unsafe { self.raw.alloc_here(T::INFO) } {
            // SAFETY: [Y6] a new object of that description.
            unsafe { fresh::init(object, value) };
            return Ok(object);
        }
        // SAFETY: [Y2] as above.
        let object = unsafe { fresh::alloc_slow(self.raw, T::INFO)? };
        // SAFETY: [Y6] as above.
        unsafe { fresh::init(object, value) };
        Ok(object)
    }

    /// As `alloc_items` of the raw layer, rooted. `item_size` is for the message.
    #[inline]
    pub(crate) fn alloc_items<T: Managed>(&mut self, len: usize, item_size: usize) -> Result<Local<'s, T>, Error> {
        // SAFETY: [Y2] rule 1: no unrooted reference is alive. `INFO` describes a `T`.
        let object = unsafe { self.raw.alloc_items(T::INFO, len) };
        if object.is_null() {
            return Err(out_of_memory(self.heap(), len.saturating_mul(item_size)));
        }
        // SAFETY: [Y4] a valid `T` (all items are zero), and nothing has collected since.
        Ok(unsafe { self.root_raw(object) })
    }

    /// Serves what other threads ask of this one. Call it in long loops that do not allocate. May collect, and runs
    /// finalizers and the dead notifier.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     for _ in 0..1000 {
    ///         s.safepoint();
    ///     }
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn safepoint(&mut self) {
        // SAFETY: [Y2] rule 1: no unrooted reference is alive.
        unsafe { self.raw.safepoint() }
    }

    /// Collects this thread's nursery.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let number = s.alloc(7_u64)?;
    ///     s.collect_minor();
    ///     assert_eq!(*number.get(s), 7);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn collect_minor(&mut self) {
        // SAFETY: [Y2] rule 1: no unrooted reference is alive.
        unsafe { self.raw.collect_minor() }
    }

    /// Runs a whole cycle: when it returns, everything that was unreachable before the call has died. Waits for all threads
    /// that are attached to the heap, but those in native state; in other heaps this thread runs on meanwhile: see
    /// [`Heap::attach`](crate::Heap::attach).
    ///
    /// ```
    /// # use handfast::{Config, Heap, Weak};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let weak = s.scope(|t| {
    ///         let object = t.alloc(7_u64)?;
    ///         Weak::new(t, object)
    ///     })?;
    ///     s.collect_full();
    ///     assert_eq!(weak.upgrade(s), None);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn collect_full(&mut self) {
        // SAFETY: [Y2] rule 1: no unrooted reference is alive.
        unsafe { self.raw.collect_full() }
    }

    /// Checks the heap's invariants, in any build, while other threads run: see [`raw::Mutator::verify`]. May collect.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let _kept = s.alloc(7_u64)?;
    ///     let verified = s.verify()?;
    ///     assert!(verified.private == 1 && verified.accounted);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first violation; [`Error::Forked`].
    pub fn verify(&mut self) -> Result<Verified, Error> {
        // SAFETY: [Y2] attached, running, and rule 1: no unrooted reference is alive.
        unsafe { self.raw.verify() }
    }

    /// Runs `body` in native state: other threads do this thread's part of a collection meanwhile, so it may block for
    /// as long as it likes. It cannot use the heap, except for cloning and dropping
    /// [`PyRef`](crate::PyRef), [`Global`](crate::Global) and [`Weak`](crate::Weak). May collect when it returns.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     s.native(|| std::thread::yield_now()); // or a lock, a read, a long computation outside of the heap
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn native<R>(&mut self, body: impl FnOnce() -> R) -> R {
        struct Leave(raw::Mutator);
        impl Drop for Leave {
            fn drop(&mut self) {
                // SAFETY: [Y2] entered below, on this thread; rule 1: no unrooted reference is alive.
                unsafe { self.0.native_leave() }
            }
        }
        // SAFETY: [Y1] running (rule 4: a scope cannot be used in native state), and `&mut self` is kept until `Leave` ran.
        unsafe { self.raw.native_enter() };
        let _leave = Leave(self.raw);
        body()
    }

    /// Opens an inner scope: its roots are gone when `body` returns or panics. The roots of this one are usable in it.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let total = s.var::<u64>();
    ///     for i in 0..3 {
    ///         s.scope(|t| {
    ///             let sum = t.alloc(i + total.get(t).map_or(0, |n| *n))?;
    ///             total.set(t, sum); // what is kept leaves by a variable of the outer scope
    ///             Ok::<(), handfast::Error>(())
    ///         })?;
    ///     }
    ///     assert_eq!(total.get(s).as_deref(), Some(&3));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn scope<R>(&mut self, body: impl for<'t> FnOnce(&mut Scope<'t>) -> R) -> R {
        // SAFETY: [Y1] this scope is open on this thread and `&mut self` keeps it from being used.
        let _open = unsafe { Open::new(self.raw) };
        // SAFETY: [Y1] opened above.
        body(unsafe { self.inner() })
    }

    /// Opens an inner scope and roots the one object that `body` returns in this one: for functions that need many
    /// roots to make one object.
    ///
    /// ```
    /// use handfast::{Config, Error, Field, Heap, Local, Scope, Trace};
    ///
    /// #[derive(Trace)]
    /// struct Tree { left: Field<Tree>, right: Field<Tree> }
    ///
    /// fn build<'s>(s: &mut Scope<'s>, depth: u32) -> Result<Local<'s, Tree>, Error> {
    ///     s.escape(|t| {
    ///         let tree = t.alloc(Tree { left: Field::null(), right: Field::null() })?;
    ///         if depth > 0 {
    ///             let left = build(t, depth - 1)?;
    ///             t.set(tree, |n| &n.left, left);
    ///             let right = build(t, depth - 1)?;
    ///             t.set(tree, |n| &n.right, right);
    ///         }
    ///         Ok(tree)
    ///     })
    /// }
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| build(s, 4).map(|_| ()))?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// What `body` returns.
    #[inline]
    pub fn escape<T: Managed, E>(
        &mut self,
        body: impl for<'t> FnOnce(&mut Scope<'t>) -> Result<Local<'t, T>, E>,
    ) -> Result<Local<'s, T>, E> {
        // SAFETY: [Y1] this scope is open on this thread and `&mut self` keeps it from being used.
        let open = unsafe { Open::new(self.raw) };
        // Which heap it is of need not be asked: by rule 3 no other scope gives roots of this name.
        // SAFETY: [Y1] opened above.
        let local = body(unsafe { self.inner() })?;
        // SAFETY: [Y2] a root of the scope that closes, by rule 3, and closing a scope does not collect.
        Ok(unsafe { open.close_but(local) })
    }
}

/// What cannot collect.
impl<'s> Scope<'s> {
    /// The object that `object` refers to, for reading.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let number = s.alloc(7_u64)?;
    ///     let read = s.borrow(number); // until something may collect
    ///     assert_eq!(*read, 7);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If it is one of another heap.
    #[inline]
    pub fn borrow<R: Reference>(&self, object: R) -> Ref<'_, R::Target> {
        let address = object.address(self);
        // SAFETY: [Y4] a reference is to a valid object, of its own heap; `address` has checked that this is ours. `&self` is
        // borrowed for as long as the result lives.
        unsafe { Ref::new(NonNull::new_unchecked(address)) }
    }

    /// Roots an object in this scope.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let found = s.alloc(7_u64)?.get(s);
    ///     let kept = s.root(found);
    ///     s.collect_minor();
    ///     assert_eq!(*kept.get(s), 7);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Panics
    /// If it is one of another heap.
    #[inline]
    pub fn root<R: Reference>(&self, object: R) -> Local<'s, R::Target> {
        let object = self.borrow(object).object();
        // SAFETY: [Y4] valid and ours, by `borrow`.
        unsafe { self.root_raw(object) }
    }

    /// A rooted variable, empty at first.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let last = s.var::<u64>();
    ///     for number in 0..3 {
    ///         last.alloc(s, number)?; // one root, whatever it refers to
    ///     }
    ///     assert_eq!(last.get(s).as_deref(), Some(&2));
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn var<T: Managed>(&self) -> Var<'s, T> {
        // SAFETY: [Y1] this thread's mutator; a root slot may be null.
        let slot = unsafe { self.raw.root(null_mut()) };
        // SAFETY: [Y3] `root` never returns null.
        let slot = unsafe { NonNull::new_unchecked(slot) };
        // SAFETY: [Y3] a new slot of the innermost open scope, which by rule 4 is this one.
        unsafe { Var::new(slot, self.raw) }
    }
}

/// Between the layers.
impl<'s> Scope<'s> {
    /// The raw layer's name of the mutator, for runtime authors. What may collect must not be called on it while a
    /// [`Ref`] of this scope is alive.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     // SAFETY: no reference of this scope is alive.
    ///     unsafe { s.raw().collect_minor() };
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn raw(&self) -> raw::Mutator {
        self.raw
    }

    /// The same scope.
    ///
    /// # Safety
    /// This one is borrowed and not used as long as the answer is.
    #[inline(always)]
    pub(crate) unsafe fn copy(&mut self) -> Scope<'s> {
        Scope { raw: self.raw, heap: self.heap, _name: PhantomData }
    }

    /// A scope inside of this one, which differs from it by nothing but the name.
    ///
    /// # Safety
    /// It has been opened, and `'t` is a new name.
    #[inline(always)]
    unsafe fn inner<'t>(&mut self) -> &mut Scope<'t> {
        // SAFETY: [Y1] a name has no layout. Whoever changes the one (by `mem::swap`, say) needs another of the name.
        unsafe { &mut *std::ptr::from_mut(self).cast::<Scope<'t>>() }
    }

    #[inline]
    pub(crate) fn heap(&self) -> &Rc<raw::Heap> {
        // SAFETY: [Y1] `enter` borrows it until after the scope is gone.
        unsafe { self.heap.as_ref() }
    }

    /// Roots an object that the raw layer gave.
    ///
    /// ```
    /// # use handfast::{Config, Heap, LinkFlags};
    /// # let heap = Heap::new(Config::default())?;
    /// heap.attach()?.scope(|s| {
    ///     let number = s.alloc(7_u64)?;
    ///     let ob = s.handle(number, 24, std::ptr::null_mut(), LinkFlags::LIGHT)?;
    ///     // SAFETY: a live object of this heap, and a `u64`.
    ///     let number = unsafe { s.root_raw::<u64>(s.raw().to_obj(ob.as_ptr())) };
    ///     assert_eq!(*number.get(s), 7);
    ///     Ok::<(), handfast::Error>(())
    /// })?;
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// `object` is a valid object of this heap, and a `T`: of the layout that the typed layer gives to `T`.
    #[inline]
    pub unsafe fn root_raw<T>(&self, object: *mut Object) -> Local<'s, T> {
        // SAFETY: [Y4] valid, by the contract of this function.
        let slot = unsafe { self.raw.root(object) };
        // SAFETY: [Y3] `root` never returns null.
        let slot = unsafe { NonNull::new_unchecked(slot) };
        // SAFETY: [Y3] a new slot of the innermost open scope, which by rule 4 is this one.
        unsafe { Local::new(slot, self.raw) }
    }

    #[inline]
    pub(crate) fn check_address(&self, address: *mut Object) {
        // SAFETY: [Y1] attached to this thread.
        if !unsafe { self.raw.owns(address) } {
            other_heap();
        }
    }

    #[inline]
    pub(crate) fn check_mutator(&self, mutator: raw::Mutator) {
        if self.raw != mutator {
            other_heap();
        }
    }

    /// For what holds a heap handle.
    #[inline]
    pub(crate) fn check_heap(&self, heap: &raw::Heap) {
        if self.heap().id() != heap.id() {
            other_heap();
        }
    }
}

/// Takes what the scope refers to, not the scope, which could not stay in registers otherwise.
#[cold]
#[inline(never)]
pub(crate) fn out_of_memory(heap: &raw::Heap, requested: usize) -> Error {
    Error::OutOfMemory { requested, limit: heap.config().max_heap_bytes }
}

#[cold]
#[inline(never)]
fn other_heap() -> ! {
    panic!("an object of one heap was used in a scope of another");
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("mutator", &self.raw).finish_non_exhaustive()
    }
}
