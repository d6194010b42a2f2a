//! dict: entries whose key is a C string.

use crate::answer::Res;
use crate::dict;
use crate::err;
use crate::layout::{NULL, Ob, flag, has};
use crate::own::Own;
use crate::unicode::PyUnicode_InternFromString;
use handfast_cpyext_macros::capi;
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
