//! [`Trace`] and [`Plain`] for the types of the language and of `std` that an object may hold.
//!
//! Plain means: no references into a heap, no drop. What is mutable among them is atomic, since a published object is
//! shared between threads. Arrays and tuples hold what their items hold.

use crate::api::trace::{Plain, RefMap, Trace};
use crate::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    AtomicUsize,
};
use std::any::TypeId;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64,
    NonZeroUsize,
};
use std::time::Duration;

macro_rules! plain {
    ($($ty:ty),* $(,)?) => {$(
        // SAFETY: [Y6] a type that cannot hold a `Field` or a `HandleSlot`.
        unsafe impl Trace for $ty {
            const REFS: RefMap = RefMap::plain();
            const NAME: &'static str = stringify!($ty);
        }
        // SAFETY: [Y6] the map above is empty.
        unsafe impl Plain for $ty {}
    )*};
}

plain!((), bool, char, f32, f64, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);
plain!(AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize);
plain!(AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize);
plain!(NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize);
plain!(NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroIsize);
plain!(TypeId, Duration, std::cmp::Ordering);

// SAFETY: [Y6] a reference out of the heap; what it refers to is off the heap and never holds a reference into it.
unsafe impl<T: ?Sized + Sync> Trace for &'static T {
    const REFS: RefMap = RefMap::plain();
    const NAME: &'static str = "static reference";
}
// SAFETY: [Y6] the map above is empty.
unsafe impl<T: ?Sized + Sync> Plain for &'static T {}

// SAFETY: [Y6] a marker has no bytes.
unsafe impl<T: ?Sized + Send + Sync + 'static> Trace for PhantomData<T> {
    const REFS: RefMap = RefMap::plain();
    const NAME: &'static str = "marker";
}
// SAFETY: [Y6] the map above is empty.
unsafe impl<T: ?Sized + Send + Sync + 'static> Plain for PhantomData<T> {}

// SAFETY: [Y6] `P` is plain in every state.
unsafe impl<P: Plain> Trace for Option<P> {
    const REFS: RefMap = RefMap::plain();
    const NAME: &'static str = "option";
}
// SAFETY: [Y6] the map above is empty.
unsafe impl<P: Plain> Plain for Option<P> {}

// SAFETY: [Y6] the map repeats that of `T` for every item.
unsafe impl<T: Trace, const N: usize> Trace for [T; N] {
    const REFS: RefMap = RefMap::plain().with_array::<T>(N);
    const NAME: &'static str = "fixed array";
}
// SAFETY: [Y6] no item has a reference.
unsafe impl<P: Plain, const N: usize> Plain for [P; N] {}

macro_rules! tuple {
    ($($ty:ident $index:tt),+) => {
        // SAFETY: [Y6] the map is the sum of the maps of all fields, each at its offset.
        unsafe impl<$($ty: Trace),+> Trace for ($($ty,)+) {
            const REFS: RefMap = RefMap::plain()$(.with::<$ty>(offset_of!(Self, $index)))+;
            const NAME: &'static str = "tuple";
        }
        // SAFETY: [Y6] no field has a reference.
        unsafe impl<$($ty: Plain),+> Plain for ($($ty,)+) {}
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
