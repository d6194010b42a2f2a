//! The sequence and mapping protocols.

use crate::answer::{Res, owned, status};
use crate::err;
use crate::exc;
use crate::layout::{NULL, Ob, PySequenceMethods, flag, has, type_of};
use crate::object::{EQ, PyObject_RichCompareBool};
use crate::own::Own;
use handfast_cpyext_macros::{capi, contract};
use std::ffi::{CStr, c_char, c_int};

#[contract]
unsafe fn table<'a>(ob: Ob) -> Option<&'a PySequenceMethods> {
    (*type_of(ob)).tp_as_sequence.as_ref()
}

/// Whether an object is a sequence.
#[capi]
pub unsafe fn PySequence_Check(ob: Ob) -> c_int {
    c_int::from(!has(ob, flag::DICT) && table(ob).is_some_and(|table| table.sq_item.is_some()))
}

/// Whether an object is a mapping.
#[capi]
pub unsafe fn PyMapping_Check(ob: Ob) -> c_int {
    c_int::from((*type_of(ob)).tp_as_mapping.as_ref().is_some_and(|table| table.mp_subscript.is_some()))
}

/// `len(sequence)`
#[capi]
pub unsafe fn PySequence_Size(ob: Ob) -> Res<isize> {
    crate::object::PyObject_Size(ob)
}

/// `len(sequence)`, under its other name.
#[capi]
pub unsafe fn PySequence_Length(ob: Ob) -> Res<isize> {
    crate::object::PyObject_Size(ob)
}

/// `len(mapping)`
#[capi]
pub unsafe fn PyMapping_Size(ob: Ob) -> Res<isize> {
    crate::object::PyObject_Size(ob)
}

#[contract]
unsafe fn positive(ob: Ob, at: isize) -> Res<isize> {
    match table(ob).and_then(|table| table.sq_length) {
        Some(length) if at < 0 => match length(ob) {
            size @ 0.. => Ok(at + size),
            _ => Err(crate::answer::Raised),
        },
        _ => Ok(at),
    }
}

/// `sequence[at]`
#[capi]
pub unsafe fn PySequence_GetItem(ob: Ob, at: isize) -> Res<Own> {
    match table(ob).and_then(|table| table.sq_item) {
        Some(item) => owned(item(ob, positive(ob, at)?)),
        None => err::type_error(&format!("'{}' object does not support indexing", crate::types::kind_of(ob))),
    }
}

/// `sequence[at] = value`; without a value, removes the item.
#[contract]
pub unsafe fn assign(ob: Ob, at: isize, value: Ob) -> Res<()> {
    match table(ob).and_then(|table| table.sq_ass_item) {
        Some(assign) => status(assign(ob, positive(ob, at)?, value)),
        None => {
            let kind = crate::types::kind_of(ob);
            let what =
                if value.is_null() { "doesn't support item deletion" } else { "does not support item assignment" };
            err::type_error(&format!("'{kind}' object {what}"))
        }
    }
}

/// `sequence[at] = value`
#[capi]
pub unsafe fn PySequence_SetItem(ob: Ob, at: isize, value: Ob) -> Res<()> {
    assign(ob, at, value)
}

/// `del sequence[at]`
#[capi]
pub unsafe fn PySequence_DelItem(ob: Ob, at: isize) -> Res<()> {
    assign(ob, at, NULL)
}

/// `sequence[start:end]`
#[capi]
pub unsafe fn PySequence_GetSlice(ob: Ob, start: isize, end: isize) -> Res<Own> {
    let (start, end) = (crate::long::from_i64(start as i64)?, crate::long::from_i64(end as i64)?);
    let key = crate::slice::PySlice_New(start.ob(), end.ob(), NULL)?;
    crate::object::PyObject_GetItem(ob, key.ob())
}

/// `del sequence[start:end]`
#[capi]
pub unsafe fn PySequence_DelSlice(ob: Ob, start: isize, end: isize) -> Res<()> {
    let (start, end) = (crate::long::from_i64(start as i64)?, crate::long::from_i64(end as i64)?);
    let key = crate::slice::PySlice_New(start.ob(), end.ob(), NULL)?;
    crate::object::PyObject_DelItem(ob, key.ob())
}

/// `a + b`
#[capi]
pub unsafe fn PySequence_Concat(a: Ob, b: Ob) -> Res<Own> {
    match table(a).and_then(|table| table.sq_concat) {
        Some(concat) => owned(concat(a, b)),
        None => err::type_error(&format!("'{}' object can't be concatenated", crate::types::kind_of(a))),
    }
}

/// `sequence * times`
#[capi]
pub unsafe fn PySequence_Repeat(ob: Ob, times: isize) -> Res<Own> {
    match table(ob).and_then(|table| table.sq_repeat) {
        Some(repeat) => owned(repeat(ob, times)),
        None => err::type_error(&format!("'{}' object can't be repeated", crate::types::kind_of(ob))),
    }
}

/// `item in sequence`
#[capi]
pub unsafe fn PySequence_Contains(ob: Ob, item: Ob) -> Res<bool> {
    if let Some(contains) = table(ob).and_then(|table| table.sq_contains) {
        let answer = contains(ob, item);
        return if answer < 0 { Err(crate::answer::Raised) } else { Ok(answer != 0) };
    }
    let iterator = crate::iter::PyObject_GetIter(ob)?;
    while let Some(one) = crate::iter::step(iterator.ob())? {
        if PyObject_RichCompareBool(one.ob(), item, EQ)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The position of the first item that is equal.
#[capi]
pub unsafe fn PySequence_Index(ob: Ob, item: Ob) -> Res<isize> {
    for (at, one) in collect(ob)?.iter().enumerate() {
        if PyObject_RichCompareBool(one.ob(), item, EQ)? {
            return Ok(at as isize);
        }
    }
    err::value_error("sequence.index(x): x not in sequence")
}

/// How many items are equal.
#[capi]
pub unsafe fn PySequence_Count(ob: Ob, item: Ob) -> Res<isize> {
    let mut count = 0;
    for one in collect(ob)? {
        count += isize::from(PyObject_RichCompareBool(one.ob(), item, EQ)?);
    }
    Ok(count)
}

/// The items of an iterable, held.
#[contract]
pub unsafe fn collect(ob: Ob) -> Res<Vec<Own>> {
    if crate::list::is_list(ob) {
        return Ok(crate::list::held_items(ob));
    }
    if crate::tuple::is_tuple(ob) {
        return Ok(crate::tuple::items_of(ob).iter().map(|&item| Own::share(item)).collect());
    }
    let mut items = vec![];
    let iterator = crate::iter::PyObject_GetIter(ob)?;
    while let Some(item) = crate::iter::step(iterator.ob())? {
        items.push(item);
    }
    Ok(items)
}

/// A tuple of the items of an iterable.
#[capi]
pub unsafe fn PySequence_Tuple(ob: Ob) -> Res<Own> {
    if std::ptr::eq(type_of(ob), &raw mut crate::types::PyTuple_Type) {
        return Ok(Own::share(ob));
    }
    crate::tuple::from_vec(collect(ob)?)
}

/// A list of the items of an iterable.
#[capi]
pub unsafe fn PySequence_List(ob: Ob) -> Res<Own> {
    crate::list::from_vec(collect(ob)?)
}

/// A list or a tuple: the object itself if it is one.
#[capi]
pub unsafe fn PySequence_Fast(ob: Ob, message: *const c_char) -> Res<Own> {
    if crate::list::is_list(ob) || crate::tuple::is_tuple(ob) {
        return Ok(Own::share(ob));
    }
    match collect(ob) {
        Ok(items) => crate::list::from_vec(items),
        Err(error) => {
            if err::matches(exc::PyExc_TypeError) {
                err::clear();
                return err::type_error(&CStr::from_ptr(message).to_string_lossy());
            }
            Err(error)
        }
    }
}

/// The items of a list or a tuple, borrowed.
#[contract]
pub unsafe fn fast_items<'a>(ob: Ob) -> &'a [Ob] {
    if crate::list::is_list(ob) { crate::list::items_of(ob) } else { crate::tuple::items_of(ob) }
}

/// `mapping[name]`
#[capi]
pub unsafe fn PyMapping_GetItemString(ob: Ob, name: *const c_char) -> Res<Own> {
    let key = crate::unicode::PyUnicode_FromString(name)?;
    crate::object::PyObject_GetItem(ob, key.ob())
}

/// `mapping[name] = value`
#[capi]
pub unsafe fn PyMapping_SetItemString(ob: Ob, name: *const c_char, value: Ob) -> Res<()> {
    let key = crate::unicode::PyUnicode_FromString(name)?;
    crate::object::PyObject_SetItem(ob, key.ob(), value)
}

/// Whether a mapping has a key.
#[capi]
pub unsafe fn PyMapping_HasKey(ob: Ob, key: Ob) -> c_int {
    let found = crate::object::PyObject_GetItem(ob, key).is_ok();
    err::clear();
    c_int::from(found)
}

/// Whether a mapping has a key.
#[capi]
pub unsafe fn PyMapping_HasKeyString(ob: Ob, name: *const c_char) -> c_int {
    let found = PyMapping_GetItemString(ob, name).is_ok();
    err::clear();
    c_int::from(found)
}

macro_rules! mapping_lists {
    ($($(#[$doc:meta])* $name:ident, $dict:path, $method:literal;)*) => { $(
        $(#[$doc])*
        #[capi]
        pub unsafe fn $name(ob: Ob) -> Res<Own> {
            if has(ob, flag::DICT) {
                return $dict(ob);
            }
            PySequence_List(crate::call::method(ob, $method, &[])?.ob())
        }
    )* };
}
mapping_lists! {
    /// A list of the keys.
    PyMapping_Keys, crate::dict::PyDict_Keys, "keys";
    /// A list of the values.
    PyMapping_Values, crate::dict::PyDict_Values, "values";
    /// A list of pairs.
    PyMapping_Items, crate::dict::PyDict_Items, "items";
}
