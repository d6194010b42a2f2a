//! dict: functions over whole dicts, and those whose key is a C string.

use crate::answer::Res;
use crate::dict::{self, PyDict_Contains, check, new, next, set};
use crate::err;
use crate::layout::{NULL, Ob, flag, has};
use crate::own::Own;
use crate::unicode::PyUnicode_InternFromString;
use handfast_cpyext_macros::{capi, contract};
use std::ffi::c_char;

/// The value of a name, borrowed; errors are swallowed, as in CPython.
#[capi]
pub unsafe fn PyDict_GetItemString(dict: Ob, name: *const c_char) -> Ob {
    if dict.is_null() || !has(dict, flag::DICT) {
        return NULL;
    }
    let before = err::take();
    let found = crate::unicode::PyUnicode_FromString(name).and_then(|key| dict::get(dict, key.ob()));
    let found = found.ok().flatten().unwrap_or(NULL);
    err::restore(before);
    found
}

/// Sets the value of a name.
#[capi]
pub unsafe fn PyDict_SetItemString(dict: Ob, name: *const c_char, value: Ob) -> Res<()> {
    let key: Own = PyUnicode_InternFromString(name)?;
    dict::set(dict, key.ob(), value)
}

/// Removes a name, which has to be there.
#[capi]
pub unsafe fn PyDict_DelItemString(dict: Ob, name: *const c_char) -> Res<()> {
    let key = crate::unicode::PyUnicode_FromString(name)?;
    dict::PyDict_DelItem(dict, key.ob())
}

#[contract]
unsafe fn collect(dict: Ob, item: &dyn Fn(Ob, Ob) -> Res<Own>) -> Res<Own> {
    check(dict)?;
    let list = crate::list::PyList_New(0)?;
    let mut at = 0;
    while let Some((key, value, _)) = next(dict, &mut at) {
        crate::list::append(list.ob(), item(key, value)?)?;
    }
    Ok(list)
}

/// A list of the keys.
#[capi]
pub unsafe fn PyDict_Keys(dict: Ob) -> Res<Own> {
    collect(dict, &|key, _| Ok(Own::share(key)))
}

/// A list of the values.
#[capi]
pub unsafe fn PyDict_Values(dict: Ob) -> Res<Own> {
    collect(dict, &|_, value| Ok(Own::share(value)))
}

/// A list of pairs.
#[capi]
pub unsafe fn PyDict_Items(dict: Ob) -> Res<Own> {
    collect(dict, &|key, value| crate::tuple::pack(&[key, value]))
}

/// Copies the entries of one dict into another; `replace` says whether those that are there are changed.
#[capi]
pub unsafe fn PyDict_Merge(dict: Ob, other: Ob, replace: i32) -> Res<()> {
    check(dict)?;
    if has(other, flag::DICT) {
        let mut at = 0;
        while let Some((key, value, _)) = next(other, &mut at) {
            let (key, value) = (Own::share(key), Own::share(value));
            if replace != 0 || !PyDict_Contains(dict, key.ob())? {
                set(dict, key.ob(), value.ob())?;
            }
        }
        return Ok(());
    }
    let keys = crate::call::method(other, "keys", &[])?;
    let iterator = crate::iter::PyObject_GetIter(keys.ob())?;
    while let Some(key) = crate::iter::step(iterator.ob())? {
        if replace != 0 || !PyDict_Contains(dict, key.ob())? {
            let value = crate::object::PyObject_GetItem(other, key.ob())?;
            set(dict, key.ob(), value.ob())?;
        }
    }
    Ok(())
}

/// Copies the entries of one dict into another.
#[capi]
pub unsafe fn PyDict_Update(dict: Ob, other: Ob) -> Res<()> {
    PyDict_Merge(dict, other, 1)
}

/// A new dict with the same entries.
#[capi]
pub unsafe fn PyDict_Copy(dict: Ob) -> Res<Own> {
    check(dict)?;
    let copy = new()?;
    PyDict_Merge(copy.ob(), dict, 1)?;
    Ok(copy)
}

/// An empty dict. It grows as entries come, whatever is expected.
#[capi]
pub unsafe fn _PyDict_NewPresized(_expected: isize) -> Res<Own> {
    crate::dict::new()
}

/// Removes a key: its value, or else the default; `KeyError` without one.
#[capi]
pub unsafe fn _PyDict_Pop(ob: Ob, key: Ob, or: Ob) -> Res<Own> {
    match (dict::pop(ob, key)?, Own::new_shared(or)) {
        (Some(value), _) | (None, Some(value)) => Ok(value),
        (None, None) => {
            crate::err::PyErr_SetObject(crate::exc::PyExc_KeyError, key);
            Err(crate::answer::Raised)
        }
    }
}

/// The value of a key whose hash the caller knows, borrowed; NULL without an exception when there is none.
#[capi]
pub unsafe fn _PyDict_GetItem_KnownHash(ob: Ob, key: Ob, _hash: isize) -> Res<Ob> {
    Ok(dict::get(ob, key)?.unwrap_or(NULL))
}

/// Sets the value of a key whose hash the caller knows.
#[capi]
pub unsafe fn _PyDict_SetItem_KnownHash(ob: Ob, key: Ob, value: Ob, _hash: isize) -> Res<()> {
    dict::set(ob, key, value)
}
