//! tuple: its items follow the head, as C reads them.
//!
//! While a tuple is C's alone its items are counted references. When it gets an object on the heap that one refers to
//! the items' objects, and what C reads becomes borrowed: each item's `PyObject` lives as long as its object does
//! (`cross`). So a cycle through a tuple is found by the collector like any other.

use crate::answer::Res;
use crate::cross::{TUPLE_ITEMS, to_gc, tuple_object};
use crate::err;
use crate::layout::{NULL, Ob, PyVarObject, Ty, flag, has, raw_ob, size_of_var, type_of};
use crate::object::not_implemented;
use crate::own::{self, Own, incref, xdecref};
use crate::row;
use crate::runtime::mutator;
use crate::spare;
use crate::types::PyTuple_Type;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::c_int;
use std::ptr;

/// A tuple; its items follow.
#[repr(C)]
#[derive(Debug)]
pub struct PyTupleObject {
    pub(crate) ob_base: PyVarObject,
}

/// Whether an object is a tuple.
pub fn is_tuple(ob: Ob) -> bool {
    has(ob, flag::TUPLE)
}

/// The place of an item.
#[inline(always)]
#[contract]
pub unsafe fn slot(ob: Ob, at: usize) -> *mut Ob {
    ob.cast::<PyTupleObject>().add(1).cast::<Ob>().add(at)
}

/// The items, borrowed.
#[contract]
pub unsafe fn items_of<'a>(ob: Ob) -> &'a [Ob] {
    std::slice::from_raw_parts(slot(ob, 0), size_of_var(ob) as usize)
}

/// A tuple whose items are to be set.
#[inline]
#[contract]
pub unsafe fn alloc(size: usize) -> Res<Own> {
    if size > isize::MAX as usize / 16 {
        return err::no_memory();
    }
    let ob = spare::alloc(size_of::<PyTupleObject>() + 8 * size, &raw mut PyTuple_Type);
    let Some(own) = Own::new(ob) else { return err::no_memory() };
    (*ob.cast::<PyVarObject>()).ob_size = size as isize;
    Ok(own)
}

/// A tuple of objects that the caller borrows.
#[contract]
pub unsafe fn pack(items: &[Ob]) -> Res<Own> {
    let tuple = alloc(items.len())?;
    for (at, &item) in items.iter().enumerate() {
        incref(item);
        slot(tuple.ob(), at).write(item);
    }
    Ok(tuple)
}

/// A tuple of references that the caller gives up.
#[contract]
pub unsafe fn from_vec(items: Vec<Own>) -> Res<Own> {
    let tuple = alloc(items.len())?;
    for (at, item) in items.into_iter().enumerate() {
        slot(tuple.ob(), at).write(item.into_raw());
    }
    Ok(tuple)
}

/// Bytes of a tuple.
#[inline(always)]
#[contract]
pub unsafe fn size_in_memory(ob: Ob) -> usize {
    size_of::<PyTupleObject>() + 8 * size_of_var(ob) as usize
}

/// Drops the references to items that others hold as well; whether these were all.
#[inline(always)]
#[contract]
pub unsafe fn let_go(ob: Ob) -> bool {
    for at in 0..size_of_var(ob) as usize {
        let item = slot(ob, at);
        if !(*item).is_null() {
            if !own::decref_unless_last(*item) {
                return false;
            }
            item.write(NULL);
        }
    }
    true
}

/// Frees a tuple that is not linked: its items are counted.
#[slot]
pub unsafe fn tuple_dealloc(ob: Ob) {
    for &item in items_of(ob) {
        xdecref(item);
    }
    if ptr::eq(type_of(ob), &raw mut PyTuple_Type) {
        return spare::free(ob, size_in_memory(ob));
    }
    crate::types::free(ob);
}

/// Visits the items that C counts.
#[slot]
pub unsafe fn tuple_traverse(ob: Ob, visit: crate::layout::visitproc, arg: *mut std::ffi::c_void) -> c_int {
    if tuple_object(ob).is_some() { 0 } else { row::traverse(items_of(ob), visit, arg) }
}

/// A tuple whose items C sets.
#[capi]
pub unsafe fn PyTuple_New(size: isize) -> Res<Own> {
    match usize::try_from(size) {
        Ok(size) => alloc(size),
        Err(_) => err::bad_internal_call("a negative size"),
    }
}

#[contract]
unsafe fn check(ob: Ob) -> Res<()> {
    if ob.is_null() || !is_tuple(ob) { err::bad_internal_call("bad argument to internal function") } else { Ok(()) }
}

/// The number of items.
#[capi]
pub unsafe fn PyTuple_Size(ob: Ob) -> Res<isize> {
    check(ob)?;
    Ok(size_of_var(ob))
}

/// An item, borrowed.
#[capi]
pub unsafe fn PyTuple_GetItem(ob: Ob, at: isize) -> Res<Ob> {
    check(ob)?;
    row::item(items_of(ob), at, "tuple")
}

/// Sets an item of a tuple that nobody else has seen; steals the reference.
#[capi]
pub unsafe fn PyTuple_SetItem(ob: Ob, at: isize, item: Ob) -> Res<()> {
    let item = Own::new(item);
    check(ob)?;
    let Some(at) = usize::try_from(at).ok().filter(|&at| at < size_of_var(ob) as usize) else {
        return err::index_error("tuple assignment index out of range");
    };
    store(ob, at, item)
}

#[contract]
unsafe fn store(ob: Ob, at: usize, item: Option<Own>) -> Res<()> {
    if tuple_object(ob).is_none() {
        let old = slot(ob, at).replace(item.map_or(NULL, Own::into_raw));
        xdecref(old);
        return Ok(());
    }
    if let Some(item) = &item {
        to_gc(item.ob())?;
    }
    if let Some(p) = tuple_object(ob) {
        let value = item.as_ref().map_or(ptr::null_mut(), |item| mutator().to_obj(raw_ob(item.ob())));
        mutator().store(p, TUPLE_ITEMS + 8 * at, value);
        slot(ob, at).write(item.as_ref().map_or(NULL, Own::ob));
    }
    Ok(())
}

/// What `PyTuple_SET_ITEM` calls for a tuple that has an object on the heap.
#[capi]
pub unsafe fn _HfTuple_SetLinkedItem(ob: Ob, at: isize, item: Ob) {
    if store(ob, at as usize, Own::new(item)).is_err() {
        err::clear();
    }
}

/// Items `start..end`.
#[capi]
pub unsafe fn PyTuple_GetSlice(ob: Ob, start: isize, end: isize) -> Res<Own> {
    check(ob)?;
    pack(&items_of(ob)[row::clamp(start, end, size_of_var(ob) as usize)])
}

/// Gives a fresh tuple another size.
#[capi]
pub unsafe fn _PyTuple_Resize(place: *mut Ob, size: isize) -> Res<()> {
    let old = *place;
    let fresh = is_tuple(old) && handfast::raw::PyObject::is_unique(raw_ob(old));
    *place = NULL;
    let Some(wanted) = usize::try_from(size).ok().filter(|_| fresh) else {
        xdecref(old);
        return err::bad_internal_call("a tuple that others hold cannot be resized");
    };
    let old = Own::steal(old);
    let new = alloc(wanted)?;
    for (at, &item) in items_of(old.ob()).iter().enumerate().take(wanted) {
        if !item.is_null() {
            incref(item);
        }
        slot(new.ob(), at).write(item);
    }
    *place = new.into_raw();
    Ok(())
}

/// The number of items, for the slot.
#[slot]
pub unsafe fn tuple_length(ob: Ob) -> isize {
    size_of_var(ob)
}

/// An item.
#[slot]
pub unsafe fn tuple_item(ob: Ob, at: isize) -> Res<Own> {
    Ok(Own::share(PyTuple_GetItem(ob, at)?))
}

/// An item, or a slice.
#[slot]
pub unsafe fn tuple_subscript(ob: Ob, key: Ob) -> Res<Own> {
    if let Some(range) = crate::slice::range_of(key, size_of_var(ob))? {
        let items = items_of(ob);
        return pack(&range.indices().map(|at| items[at]).collect::<Vec<Ob>>());
    }
    tuple_item(ob, row::position(key, size_of_var(ob) as usize, "tuple")?)
}

/// `+`
#[slot]
pub unsafe fn tuple_concat(a: Ob, b: Ob) -> Res<Own> {
    if !is_tuple(b) {
        return err::type_error(&format!("can only concatenate tuple (not \"{}\") to tuple", crate::types::kind_of(b)));
    }
    pack(&[items_of(a), items_of(b)].concat())
}

/// `*`
#[slot]
pub unsafe fn tuple_repeat(ob: Ob, times: isize) -> Res<Own> {
    pack(&items_of(ob).repeat(times.max(0) as usize))
}

/// `in`
#[slot]
pub unsafe fn tuple_contains(ob: Ob, item: Ob) -> Res<bool> {
    row::contains(items_of(ob), item)
}

/// The hash of the items' hashes (xxHash's mixing, as CPython's).
#[slot]
pub unsafe fn tuple_hash(ob: Ob) -> Res<isize> {
    const P1: u64 = 11_400_714_785_074_694_791;
    const P2: u64 = 14_029_467_366_897_019_727;
    const P5: u64 = 2_870_177_450_012_600_261;
    let mut hash = P5;
    for &item in items_of(ob) {
        let lane = crate::object::PyObject_Hash(item)? as u64;
        hash = hash.wrapping_add(lane.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1);
    }
    hash = hash.wrapping_add(size_of_var(ob) as u64 ^ (P5 ^ 3_527_539));
    Ok(if hash == u64::MAX { 1_546_275_796 } else { hash as isize })
}

/// Compares with another tuple.
#[slot]
pub unsafe fn tuple_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if !is_tuple(a) || !is_tuple(b) {
        return Ok(not_implemented());
    }
    row::compare(items_of(a), items_of(b), op)
}

/// `(...)`
#[slot]
pub unsafe fn tuple_repr(ob: Ob) -> Res<Own> {
    row::repr(ob, items_of(ob), ['(', ')'], ",")
}

/// `tuple(...)`
#[slot]
pub unsafe fn tuple_new(ty: Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    let value = match items_of(args) {
        [] => alloc(0)?,
        [ob, ..] => crate::sequence::PySequence_Tuple(*ob)?,
    };
    if ptr::eq(ty, &raw mut PyTuple_Type) {
        return Ok(value);
    }
    let made = crate::types::alloc_instance(ty, size_of_var(value.ob()))?;
    for (at, &item) in items_of(value.ob()).iter().enumerate() {
        incref(item);
        slot(made.ob(), at).write(item);
    }
    Ok(made)
}
