//! dict: slots and methods.

use crate::answer::Res;
use crate::dict::{self, PyDict_Copy, PyDict_Merge, get, pop, set};
use crate::err;
use crate::layout::{NULL, Ob, PyCFunction, PyMethodDef, flag, has};
use crate::object::{EQ, NE, PyObject_RichCompareBool, bool_of, not_implemented};
use crate::own::Own;
use crate::tuple::items_of;
use handfast_cpyext_macros::{contract, slot};
use std::ffi::{CStr, c_int};
use std::ptr::null;

/// `len(dict)`
#[slot]
pub unsafe fn dict_length(ob: Ob) -> isize {
    dict::len(ob) as isize
}

/// `dict[key]`
#[slot]
pub unsafe fn dict_subscript(ob: Ob, key: Ob) -> Res<Own> {
    match get(ob, key)? {
        Some(value) => Ok(Own::share(value)),
        None => {
            if let Some(missing) = crate::attr::special(ob, "__missing__")? {
                return crate::call::with(missing.ob(), &[key]);
            }
            err::key_error(key)
        }
    }
}

/// `dict[key] = value`, `del dict[key]`
#[slot]
pub unsafe fn dict_ass_subscript(ob: Ob, key: Ob, value: Ob) -> Res<()> {
    if value.is_null() { dict::PyDict_DelItem(ob, key) } else { set(ob, key, value) }
}

/// `key in dict`
#[slot]
pub unsafe fn dict_contains(ob: Ob, key: Ob) -> Res<bool> {
    dict::PyDict_Contains(ob, key)
}

/// `{...}`
#[slot]
pub unsafe fn dict_repr(ob: Ob) -> Res<Own> {
    let _guard = match crate::object::ReprGuard::enter(ob)? {
        Some(guard) => guard,
        None => return crate::unicode::from_str("{...}"),
    };
    let (mut all, mut at) = (vec![u32::from('{')], 0);
    while let Some((key, value, _)) = dict::next(ob, &mut at) {
        let (key, value) = (Own::share(key), Own::share(value));
        if all.len() > 1 {
            all.extend([u32::from(','), u32::from(' ')]);
        }
        all.extend(crate::unicode::points(crate::object::PyObject_Repr(key.ob())?.ob()));
        all.extend([u32::from(':'), u32::from(' ')]);
        all.extend(crate::unicode::points(crate::object::PyObject_Repr(value.ob())?.ob()));
    }
    all.push(u32::from('}'));
    crate::unicode::from_points(&all)
}

#[contract]
unsafe fn equal(a: Ob, b: Ob) -> Res<bool> {
    if dict::len(a) != dict::len(b) {
        return Ok(false);
    }
    let mut at = 0;
    while let Some((key, value, _)) = dict::next(a, &mut at) {
        let (key, value) = (Own::share(key), Own::share(value));
        match get(b, key.ob())?.map(Own::share) {
            Some(other) if PyObject_RichCompareBool(value.ob(), other.ob(), EQ)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// `==`, `!=`
#[slot]
pub unsafe fn dict_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if !has(b, flag::DICT) || (op != EQ && op != NE) {
        return Ok(not_implemented());
    }
    Ok(bool_of(equal(a, b)? == (op == EQ)))
}

#[contract]
unsafe fn update(ob: Ob, args: Ob, kwargs: Ob) -> Res<()> {
    match items_of(args) {
        [] => {}
        [from] => {
            let mapping =
                has(*from, flag::DICT) || crate::attr::PyObject_HasAttr(*from, crate::names::get("keys").ob());
            if mapping {
                PyDict_Merge(ob, *from, 1)?;
            } else {
                for pair in crate::sequence::collect(*from)? {
                    match &crate::sequence::collect(pair.ob())?[..] {
                        [key, value] => set(ob, key.ob(), value.ob())?,
                        other => {
                            let text =
                                format!("dictionary update sequence element has length {}; 2 is required", other.len());
                            return err::value_error(&text);
                        }
                    }
                }
            }
        }
        all => return err::type_error(&format!("dict expected at most 1 argument, got {}", all.len())),
    }
    if kwargs.is_null() { Ok(()) } else { PyDict_Merge(ob, kwargs, 1) }
}

/// `dict(...)`
#[slot]
pub unsafe fn dict_init(ob: Ob, args: Ob, kwargs: Ob) -> Res<()> {
    update(ob, args, kwargs)
}

#[slot]
unsafe fn m_keys(ob: Ob, _: Ob) -> Res<Own> {
    dict::PyDict_Keys(ob)
}

#[slot]
unsafe fn m_values(ob: Ob, _: Ob) -> Res<Own> {
    dict::PyDict_Values(ob)
}

#[slot]
unsafe fn m_items(ob: Ob, _: Ob) -> Res<Own> {
    dict::PyDict_Items(ob)
}

#[slot]
unsafe fn m_copy(ob: Ob, _: Ob) -> Res<Own> {
    PyDict_Copy(ob)
}

#[slot]
unsafe fn m_clear(ob: Ob, _: Ob) -> Own {
    dict::PyDict_Clear(ob);
    Own::share(crate::object::none())
}

#[slot]
unsafe fn m_get(ob: Ob, args: Ob) -> Res<Own> {
    let (key, default) = match items_of(args) {
        [key] => (*key, crate::object::none()),
        [key, default] => (*key, *default),
        all => return err::type_error(&format!("get expected 1 or 2 arguments, got {}", all.len())),
    };
    Ok(Own::share(get(ob, key)?.unwrap_or(default)))
}

#[slot]
unsafe fn m_setdefault(ob: Ob, args: Ob) -> Res<Own> {
    match items_of(args) {
        [key] => Ok(Own::share(dict::PyDict_SetDefault(ob, *key, crate::object::none())?)),
        [key, default] => Ok(Own::share(dict::PyDict_SetDefault(ob, *key, *default)?)),
        all => err::type_error(&format!("setdefault expected 1 or 2 arguments, got {}", all.len())),
    }
}

#[slot]
unsafe fn m_pop(ob: Ob, args: Ob) -> Res<Own> {
    let (key, default) = match items_of(args) {
        [key] => (*key, NULL),
        [key, default] => (*key, *default),
        all => return err::type_error(&format!("pop expected 1 or 2 arguments, got {}", all.len())),
    };
    match pop(ob, key)? {
        Some(value) => Ok(value),
        None if default.is_null() => err::key_error(key),
        None => Ok(Own::share(default)),
    }
}

#[slot]
unsafe fn m_update(ob: Ob, args: Ob) -> Res<Own> {
    update(ob, args, NULL)?;
    Ok(Own::share(crate::object::none()))
}

const fn method(name: &'static CStr, function: PyCFunction, flags: c_int) -> PyMethodDef {
    PyMethodDef { ml_name: name.as_ptr(), ml_meth: Some(function), ml_flags: flags, ml_doc: null() }
}

static mut METHODS: [PyMethodDef; 10] = [
    method(c"keys", c_m_keys, 4),
    method(c"values", c_m_values, 4),
    method(c"items", c_m_items, 4),
    method(c"copy", c_m_copy, 4),
    method(c"clear", c_m_clear, 4),
    method(c"get", c_m_get, 1),
    method(c"setdefault", c_m_setdefault, 1),
    method(c"pop", c_m_pop, 1),
    method(c"update", c_m_update, 1),
    PyMethodDef { ml_name: null(), ml_meth: None, ml_flags: 0, ml_doc: null() },
];

/// The methods of dict.
pub const fn methods() -> *mut PyMethodDef {
    (&raw mut METHODS).cast()
}
