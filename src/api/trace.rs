//! What may be an object: the traits [`Trace`], [`Plain`] and [`Managed`], and the map of references they hand to the
//! collector.
//!
//! A [`Trace`] type says at compile time where its references and its handle slot are, as a [`RefMap`]. The maps of
//! parts add up to the map of the whole by constant evaluation (`#[derive(Trace)]` writes the sum), so a field is a
//! reference because of its *type*, whatever it is called. From the map comes a `'static` `TypeInfo`, whose address
//! goes into every header; no registration at run time, and the collector follows plain offsets. The idea of a trait
//! that only the derive implements is gc-arena's `Collect`; offsets instead of a visitor are what the header format
//! wants.
//!
//! # Rules
//! 1. A type in the heap needs no drop: memory is reused without a call. (Finalizers are [`Finalize`](crate::Finalize).)
//! 2. It is `Send + Sync + 'static`: any thread may reach a published object.
//! 3. Its alignment is at most 8.
//! 4. Every [`Field`](crate::Field) in it is in its map, at its offset.
//!
//! 1 and 3 are checked when the type is first allocated (a compile error); 2 by the bounds; 4 is what makes the traits
//! `unsafe`.
//!
//! Nothing here runs at run time or touches shared state.

use crate::api::array::Array;
use crate::api::data::Data;
use crate::api::finalize::{self, FinalizeFn};
use crate::object::type_info::MAX_PAYLOAD;
use crate::object::{NO_SLOT, TypeInfo};
use std::any::TypeId;
use std::marker::PhantomData;

/// The most references a fixed-size type may have. For more, use an [`Array`].
pub const MAX_REFS: usize = 128;

/// Where a type has its references and its handle slot, as offsets from its start.
///
/// ```
/// use handfast::{Field, RefMap, Trace};
/// assert!(<u64 as Trace>::REFS.offsets().is_empty());
/// assert_eq!(<(u64, Field<u64>) as Trace>::REFS.offsets().len(), 1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RefMap {
    offsets: [usize; MAX_REFS],
    len: usize,
    handle_slot: usize,
}

impl RefMap {
    /// The map of a type without references.
    ///
    /// ```
    /// use handfast::RefMap;
    /// assert!(RefMap::plain().offsets().is_empty());
    /// ```
    pub const fn plain() -> RefMap {
        RefMap { offsets: [0; MAX_REFS], len: 0, handle_slot: NO_SLOT }
    }

    /// The map of one reference.
    pub(crate) const fn reference() -> RefMap {
        let mut map = RefMap::plain();
        map.len = 1;
        map
    }

    /// The map of one handle slot.
    pub(crate) const fn slot() -> RefMap {
        let mut map = RefMap::plain();
        map.handle_slot = 0;
        map
    }

    /// Adds the references of a part of type `F` that starts at `offset`.
    ///
    /// ```
    /// use handfast::{Field, RefMap};
    /// const MAP: RefMap = RefMap::plain().with::<u64>(0).with::<Field<u64>>(8);
    /// assert_eq!(MAP.offsets(), [8]);
    /// ```
    ///
    /// # Panics
    /// (At compile time, in a constant.) More than `MAX_REFS` references, or a second handle slot.
    pub const fn with<F: Trace>(mut self, offset: usize) -> RefMap {
        let part = F::REFS;
        let mut i = 0;
        while i < part.len {
            assert!(self.len < MAX_REFS, "a type may have at most 128 references; use an Array for more");
            self.offsets[self.len] = offset + part.offsets[i];
            self.len += 1;
            i += 1;
        }
        if part.handle_slot != NO_SLOT {
            assert!(self.handle_slot == NO_SLOT, "a type may have one handle slot only");
            self.handle_slot = offset + part.handle_slot;
        }
        self
    }

    /// Adds `count` parts of type `F`, one after the other from offset 0.
    ///
    /// ```
    /// use handfast::{Field, RefMap};
    /// assert_eq!(RefMap::plain().with_array::<Field<u64>>(3).offsets(), [0, 8, 16]);
    /// ```
    pub const fn with_array<F: Trace>(mut self, count: usize) -> RefMap {
        let empty = F::REFS.len == 0 && F::REFS.handle_slot == NO_SLOT;
        let mut i = 0;
        while i < count && !empty {
            self = self.with::<F>(i * size_of::<F>());
            i += 1;
        }
        self
    }

    /// Adds a part without references: the bound is the check. For enums, whose parts have no fixed place.
    ///
    /// ```
    /// use handfast::RefMap;
    /// assert!(RefMap::plain().with_plain::<[u8; 3]>().offsets().is_empty());
    /// ```
    pub const fn with_plain<F: Plain>(self) -> RefMap {
        self
    }

    /// The offsets of the references, in bytes.
    ///
    /// ```
    /// use handfast::{Field, Trace};
    /// assert_eq!(<Field<u64> as Trace>::REFS.offsets(), [0]);
    /// ```
    pub const fn offsets(&self) -> &[usize] {
        self.offsets.split_at(self.len).0
    }

    /// The offset of the handle slot, if there is one.
    ///
    /// ```
    /// use handfast::{HandleSlot, Trace};
    /// assert_eq!(<HandleSlot as Trace>::REFS.handle_slot(), Some(0));
    /// ```
    pub const fn handle_slot(&self) -> Option<usize> {
        if self.handle_slot == NO_SLOT { None } else { Some(self.handle_slot) }
    }
}

/// A type that may be an object of the heap, or a part of one. Implement it with `#[derive(Trace)]`.
///
/// Structs may have any `Trace` types as fields; an enum only [`Plain`] ones, because the place of a reference in it
/// would depend on its variant. Attributes of the derive, on the type:
///
/// - `#[handfast(finalize)]`: run [`Finalize::finalize`](crate::Finalize::finalize) once after an object died;
/// - `#[handfast(plain)]`: also implement [`Plain`] (enums always do).
///
/// ```
/// use handfast::{Field, Trace};
///
/// #[derive(Trace)]
/// struct Node<V> {
///     value: V,
///     next: Field<Node<V>>,
/// }
/// assert_eq!(<Node<u64> as Trace>::REFS.offsets().len(), 1);
/// ```
///
/// Rust orders the fields of a struct as it likes, arrays first as a rule. Whoever marks or moves an object reads its header,
/// which is in front, and its references: in a struct of more than a few words these had better be in the same line of the
/// cache, which `#[repr(C)]` and an order of one's own see to.
///
/// ```
/// use handfast::{Field, Trace};
///
/// #[derive(Trace)]
/// #[repr(C)]
/// struct Entry {
///     next: Field<Entry>,
///     values: [u64; 12],
/// }
/// assert_eq!(<Entry as Trace>::REFS.offsets(), &[0]);
/// ```
///
/// # Safety
/// `REFS` lists every [`Field`](crate::Field) and the [`HandleSlot`](crate::HandleSlot) in the type, each at its
/// offset, and nothing else.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in the heap: it does not implement `handfast::Trace`",
    note = "add `#[derive(handfast::Trace)]` to it; what owns memory (`String`, `Vec`, `Box`) becomes a `Field` of `Data` or `Array`"
)]
pub unsafe trait Trace: Send + Sync + Sized + 'static {
    /// Where the references are.
    const REFS: RefMap;
    /// The type's name in messages.
    const NAME: &'static str = "object";
    /// What runs once after an object of this type was found unreachable.
    const FINALIZE: Option<FinalizeFn<Self>> = None;
}

/// A [`Trace`] type without references: numbers, booleans, atomics, and what is made of them.
///
/// ```
/// use handfast::{Plain, Trace};
///
/// #[derive(Trace)]
/// enum Colour {
///     Red,
///     Other([u8; 3]),
/// }
/// fn is_plain<T: Plain>(_: &T) {}
/// is_plain(&(Colour::Red, Colour::Other([0; 3]), 7_u64));
/// ```
///
/// # Safety
/// `REFS` is empty (no references, no handle slot).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not plain data: it may hold references, or is not known not to",
    note = "enums and `Data` hold plain data only: the place of a reference in an enum would depend on its variant",
    note = "put the references into a struct with `#[derive(Trace)]` and a tag beside them"
)]
pub unsafe trait Plain: Trace {}

/// What a reference may refer to: every [`Trace`] type, [`Array`] and [`Data`].
///
/// ```
/// use handfast::{Array, Data, Managed};
/// fn can_be_referred_to<T: Managed>() {}
/// can_be_referred_to::<u64>();
/// can_be_referred_to::<Array<Data<u8>>>();
/// ```
///
/// # Safety
/// `INFO` describes the layout of the object and names `Self` by its type id. Not for implementation elsewhere.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an object of the heap",
    note = "add `#[derive(handfast::Trace)]` to it"
)]
pub unsafe trait Managed: Send + Sync + 'static {
    #[doc(hidden)]
    const INFO: &'static TypeInfo;
}

/// Carries the constants that belong to `T`.
struct Info<T>(PhantomData<T>);

impl<T: Trace> Info<T> {
    const REFS: &'static RefMap = &T::REFS;

    const CHECKED: () = {
        assert!(!std::mem::needs_drop::<T>(), "a type in the heap must not need drop");
        assert!(align_of::<T>() <= 8, "a type in the heap must have an alignment of at most 8");
        assert!(size_of::<T>() <= MAX_PAYLOAD, "a type in the heap must be smaller than 1 GiB");
        let offsets = Self::REFS.offsets();
        let mut i = 0;
        while i < offsets.len() {
            assert!(offsets[i] % 8 == 0, "a reference must be aligned to 8");
            assert!(offsets[i] + 8 <= size_of::<T>(), "a reference must lie within its type");
            i += 1;
        }
    };

    const VALUE: TypeInfo = {
        let () = Self::CHECKED;
        // A payload is one word at least.
        let size = if size_of::<T>() < 8 { 8 } else { size_of::<T>() };
        let mut info = TypeInfo::new(T::NAME, size).with_refs(Self::REFS.offsets()).with_type_id(TypeId::of::<T>);
        if let Some(offset) = Self::REFS.handle_slot() {
            info = info.with_handle_slot(offset);
        }
        if T::FINALIZE.is_some() {
            info = info.with_finalizer(finalize::run::<T>);
        }
        info
    };
}

// SAFETY: [Y6] `Info` builds the description from `T::REFS`, which by the contract of `Trace` lists all references.
unsafe impl<T: Trace> Managed for T {
    const INFO: &'static TypeInfo = &Info::<T>::VALUE;
}

// SAFETY: [Y6] an array is nothing but its items, which are references.
unsafe impl<T: Managed> Managed for Array<T> {
    const INFO: &'static TypeInfo = &TypeInfo::new("array", 0).with_ref_items().with_type_id(TypeId::of::<Array<T>>);
}

impl<P: Plain> Info<Data<P>> {
    const DATA: TypeInfo = {
        assert!(size_of::<P>() > 0, "an item of data must have a size");
        assert!(!std::mem::needs_drop::<P>(), "an item of data must not need drop");
        assert!(align_of::<P>() <= 8, "an item of data must have an alignment of at most 8");
        TypeInfo::new("data", 0).with_items(size_of::<P>()).with_type_id(TypeId::of::<Data<P>>)
    };
}

// SAFETY: [Y6] data is nothing but its items, which by the contract of `Plain` hold no references.
unsafe impl<P: Plain> Managed for Data<P> {
    const INFO: &'static TypeInfo = &Info::<Data<P>>::DATA;
}
