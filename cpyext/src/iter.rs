//! Iteration: the protocol, and iterators over sequences, dicts and calls.

use crate::answer::Res;
use crate::err;
use crate::exc;
use crate::layout::{NULL, Ob, PyObject, type_of};
use crate::own::{Own, incref, xdecref};
use crate::types::{PyDictIterItem_Type, PyDictIterKey_Type, PyDictIterValue_Type, PySeqIter_Type};
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::c_int;
use std::ptr;

/// An iterator over a sequence, or over a dict.
#[repr(C)]
#[derive(Debug)]
pub struct Iterator {
    ob_base: PyObject,
    at: isize,
    /// Null when it is exhausted.
    over: Ob,
    /// Of a dict: its size when the iteration began.
    size: isize,
}

#[contract]
unsafe fn make(ty: crate::layout::Ty, over: Ob, size: isize) -> Res<Own> {
    let ob = crate::types::alloc_instance(ty, 0)?;
    incref(over);
    (*ob.ob().cast::<Iterator>()).over = over;
    (*ob.ob().cast::<Iterator>()).size = size;
    Ok(ob)
}

/// Frees an iterator.
#[slot]
pub unsafe fn iterator_dealloc(ob: Ob) {
    xdecref((*ob.cast::<Iterator>()).over);
    crate::types::free(ob);
}

#[contract]
unsafe fn finish(this: *mut Iterator) {
    xdecref(ptr::replace(&raw mut (*this).over, NULL));
}

/// An iterator over anything with `__getitem__`.
#[capi]
pub unsafe fn PySeqIter_New(over: Ob) -> Res<Own> {
    make(&raw mut PySeqIter_Type, over, 0)
}

/// The next item of a sequence.
#[slot]
pub unsafe fn sequence_next(ob: Ob) -> Res<Option<Own>> {
    let this = ob.cast::<Iterator>();
    if (*this).over.is_null() {
        return Ok(None);
    }
    let over = Own::share((*this).over);
    match crate::sequence::PySequence_GetItem(over.ob(), (*this).at) {
        Ok(item) => {
            (*this).at += 1;
            Ok(Some(item))
        }
        Err(error) => {
            if err::matches(exc::PyExc_IndexError) || err::matches(exc::PyExc_StopIteration) {
                err::clear();
                finish(this);
                return Ok(None);
            }
            Err(error)
        }
    }
}

/// `iter(list)`, `iter(tuple)`, `iter(str)`, `iter(bytes)`.
#[slot]
pub unsafe fn sequence_iter(ob: Ob) -> Res<Own> {
    PySeqIter_New(ob)
}

/// `iter(dict)`
#[slot]
pub unsafe fn dict_iter(ob: Ob) -> Res<Own> {
    make(&raw mut PyDictIterKey_Type, ob, crate::dict::len(ob) as isize)
}

/// An iterator over the values of a dict.
#[contract]
pub unsafe fn dict_values(ob: Ob) -> Res<Own> {
    make(&raw mut PyDictIterValue_Type, ob, crate::dict::len(ob) as isize)
}

/// An iterator over the pairs of a dict.
#[contract]
pub unsafe fn dict_items(ob: Ob) -> Res<Own> {
    make(&raw mut PyDictIterItem_Type, ob, crate::dict::len(ob) as isize)
}

#[contract]
unsafe fn dict_next(ob: Ob, item: impl FnOnce(Ob, Ob) -> Res<Own>) -> Res<Option<Own>> {
    let this = ob.cast::<Iterator>();
    if (*this).over.is_null() {
        return Ok(None);
    }
    if (*this).size != crate::dict::len((*this).over) as isize {
        (*this).size = -1;
        return err::raise(exc::PyExc_RuntimeError, "dictionary changed size during iteration");
    }
    let mut at = (*this).at as usize;
    let entry = crate::dict::next((*this).over, &mut at);
    (*this).at = at as isize;
    match entry {
        Some((key, value, _)) => item(key, value).map(Some),
        None => {
            finish(this);
            Ok(None)
        }
    }
}

/// The next key.
#[slot]
pub unsafe fn dict_next_key(ob: Ob) -> Res<Option<Own>> {
    dict_next(ob, |key, _| Ok(Own::share(key)))
}

/// The next value.
#[slot]
pub unsafe fn dict_next_value(ob: Ob) -> Res<Option<Own>> {
    dict_next(ob, |_, value| Ok(Own::share(value)))
}

/// The next pair.
#[slot]
pub unsafe fn dict_next_item(ob: Ob) -> Res<Option<Own>> {
    dict_next(ob, |key, value| crate::tuple::pack(&[key, value]))
}

/// An iterator's iterator: itself.
#[capi]
pub unsafe fn PyObject_SelfIter(ob: Ob) -> Own {
    Own::share(ob)
}

/// `PyObject_SelfIter` for tables.
#[slot]
pub unsafe fn self_iter(ob: Ob) -> Own {
    Own::share(ob)
}

/// `iter(object)`
#[capi]
pub unsafe fn PyObject_GetIter(ob: Ob) -> Res<Own> {
    let ty = type_of(ob);
    if let Some(iter) = (*ty).tp_iter {
        let iterator = crate::answer::owned(iter(ob))?;
        if PyIter_Check(iterator.ob()) == 0 {
            let kind = crate::types::kind_of(iterator.ob());
            return err::type_error(&format!("iter() returned non-iterator of type '{kind}'"));
        }
        return Ok(iterator);
    }
    if crate::sequence::PySequence_Check(ob) != 0 {
        return PySeqIter_New(ob);
    }
    err::type_error(&format!("'{}' object is not iterable", crate::types::kind_of(ob)))
}

/// Whether an object is an iterator.
#[capi]
pub unsafe fn PyIter_Check(ob: Ob) -> c_int {
    c_int::from((*type_of(ob)).tp_iternext.is_some())
}

/// The next item; `None` at the end.
#[contract]
pub unsafe fn step(iterator: Ob) -> Res<Option<Own>> {
    let Some(next) = (*type_of(iterator)).tp_iternext else {
        return err::type_error(&format!("'{}' object is not an iterator", crate::types::kind_of(iterator)));
    };
    if let Some(item) = Own::new(next(iterator)) {
        return Ok(Some(item));
    }
    if err::is_raised() {
        if err::matches(exc::PyExc_StopIteration) {
            err::clear();
            return Ok(None);
        }
        return Err(crate::answer::Raised);
    }
    Ok(None)
}

/// The next item; NULL without an exception at the end.
#[capi]
pub unsafe fn PyIter_Next(iterator: Ob) -> Res<Option<Own>> {
    step(iterator)
}
