//! `#[derive(Trace)]` finds every reference and the handle slot, wherever they are, by type.
#![allow(dead_code)]

use handfast::{Array, Data, Field, HandleSlot, Plain, Trace};
use std::mem::offset_of;

fn offsets<T: Trace>() -> Vec<usize> {
    let mut offsets = T::REFS.offsets().to_vec();
    offsets.sort_unstable();
    offsets
}

/// What must hold for the offsets that `offset_of` gives, whatever order the compiler lays the fields out in.
fn sorted<const N: usize>(mut offsets: [usize; N]) -> [usize; N] {
    offsets.sort_unstable();
    offsets
}

#[derive(Trace)]
struct Named {
    flag: bool,
    left: Field<Named>,
    number: f64,
    right: Field<Data<u8>>,
}

type Renamed = Field<Array<Named>>;

#[derive(Trace)]
struct Tuple(u8, Renamed, HandleSlot);

#[derive(Trace)]
struct Generic<A, B> {
    a: A,
    tag: u32,
    b: B,
    own: Field<Generic<A, B>>,
}

#[derive(Trace)]
struct Nested {
    first: u64,
    parts: [Tuple1; 3],
    pair: (u32, Field<u64>),
}

#[derive(Trace)]
struct Tuple1(u64, Field<u64>);

#[derive(Trace)]
struct Unit;

#[derive(Trace)]
enum Tag {
    Empty,
    Number(f64),
    Named { id: u32, letter: char },
}

#[derive(Trace)]
enum Either<A, B> {
    A(A),
    B(B),
}

#[derive(Trace)]
#[handfast(plain)]
struct Point {
    x: f32,
    y: f32,
    tag: Option<u16>,
}

fn is_plain<P: Plain>() {}

#[test]
fn fields_of_a_struct() {
    assert_eq!(offsets::<Named>(), sorted([offset_of!(Named, left), offset_of!(Named, right)]));
    assert_eq!(Named::REFS.handle_slot(), None);
    assert_eq!(Named::NAME, "typed_derive::Named");
}

#[test]
fn fields_behind_an_alias_and_a_handle_slot() {
    assert_eq!(offsets::<Tuple>(), [offset_of!(Tuple, 1)]);
    assert_eq!(Tuple::REFS.handle_slot(), Some(offset_of!(Tuple, 2)));
}

#[test]
fn fields_that_a_type_parameter_brings() {
    type G = Generic<Field<u64>, (u64, Field<u64>)>;
    let b = offset_of!(G, b) + offset_of!((u64, Field<u64>), 1);
    assert_eq!(offsets::<G>(), sorted([offset_of!(G, a), b, offset_of!(G, own)]));
    assert_eq!(offsets::<Generic<u8, u16>>(), [offset_of!(Generic<u8, u16>, own)]);
}

#[test]
fn fields_in_nested_arrays_and_tuples() {
    let parts = offset_of!(Nested, parts) + offset_of!(Tuple1, 1);
    let step = size_of::<Tuple1>();
    let pair = offset_of!(Nested, pair) + offset_of!((u32, Field<u64>), 1);
    assert_eq!(offsets::<Nested>(), sorted([parts, parts + step, parts + 2 * step, pair]));
}

#[test]
fn plain_types_have_none() {
    assert!(offsets::<Unit>().is_empty());
    assert!(offsets::<Tag>().is_empty());
    assert!(offsets::<Point>().is_empty());
    assert!(offsets::<[u64; 1 << 20]>().is_empty());
    is_plain::<Tag>();
    is_plain::<Point>();
    is_plain::<Either<u8, Tag>>();
}
