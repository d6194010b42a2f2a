//! Attributes: the protocol, and the generic look-up through types and an instance's dict.

use crate::answer::{Res, owned, status};
use crate::dict;
use crate::err;
use crate::exc;
use crate::instance;
use crate::layout::{NULL, Ob, size_of_var, type_of};
use crate::own::Own;
use crate::type_object::_PyType_Lookup;
use crate::unicode;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{c_char, c_int};
use std::ptr::null_mut;

/// Where an instance keeps its dict: so far from its beginning, or (negative) from its end, which its items are before.
#[inline]
#[contract]
pub unsafe fn dict_place(ob: Ob) -> Option<*mut Ob> {
    let ty = type_of(ob);
    match (*ty).tp_dictoffset {
        0 => None,
        offset if offset > 0 => Some(ob.byte_offset(offset).cast()),
        offset => {
            let items = size_of_var(ob).unsigned_abs();
            let end = ((*ty).tp_basicsize as usize + items * (*ty).tp_itemsize as usize).next_multiple_of(8);
            Some(ob.byte_add(end).byte_offset(offset).cast())
        }
    }
}

/// The dict of an instance, borrowed: made when `create`; `None` when there is none.
#[contract]
pub unsafe fn instance_dict(ob: Ob, create: bool) -> Res<Option<Ob>> {
    let Some(place) = dict_place(ob) else { return Ok(None) };
    if place.read().is_null() {
        if instance::is_without_dict(ob) {
            return instance::dict_of(ob).map(Some);
        }
        if !create {
            return Ok(None);
        }
        place.write(dict::new()?.into_raw());
    }
    Ok(Some(place.read()))
}

/// The attribute that type and dict of an instance say.
#[inline]
#[slot]
pub unsafe fn generic_getattr(ob: Ob, name: Ob) -> Res<Own> {
    match find(ob, name)? {
        Some(value) => Ok(value),
        None => no_attribute(ob, name),
    }
}

#[cold]
#[contract]
unsafe fn no_attribute<T>(ob: Ob, name: Ob) -> Res<T> {
    let (kind, name) = (crate::types::kind_of(ob), unicode::to_text(name));
    err::attribute_error(&format!("'{kind}' object has no attribute '{name}'"))
}

/// What an instance itself has of a name.
#[inline]
#[contract]
unsafe fn of_instance(ob: Ob, name: Ob) -> Res<Option<Own>> {
    let Some(place) = dict_place(ob) else { return Ok(None) };
    let its = place.read();
    if its.is_null() {
        return instance::get(ob, name).unwrap_or(Ok(None));
    }
    Ok(dict::get(its, name)?.map(Own::share))
}

/// The same; `None` when there is none.
#[inline]
#[contract]
pub unsafe fn find(ob: Ob, name: Ob) -> Res<Option<Own>> {
    find_with(ob, name, || of_instance(ob, name))
}

/// The attribute that the type of an instance says, or else `own`.
#[inline]
#[contract]
unsafe fn find_with(ob: Ob, name: Ob, own: impl FnOnce() -> Res<Option<Own>>) -> Res<Option<Own>> {
    unicode::check(name)?;
    let ty = type_of(ob);
    let Some(of_type) = Own::new_shared(_PyType_Lookup(ty, name)) else {
        return own();
    };
    let of_type = Some(of_type);
    let get = of_type.as_ref().and_then(|found| (*type_of(found.ob())).tp_descr_get);
    if let (Some(found), Some(get)) = (&of_type, get)
        && (*type_of(found.ob())).tp_descr_set.is_some()
    {
        return owned(get(found.ob(), ob, ty.cast())).map(Some);
    }
    if let Some(value) = own()? {
        return Ok(Some(value));
    }
    match (of_type, get) {
        (Some(found), Some(get)) => owned(get(found.ob(), ob, ty.cast())).map(Some),
        (found, _) => Ok(found),
    }
}

/// Sets (or, with NULL, removes) the attribute that type and dict of an instance say.
#[slot]
pub unsafe fn generic_setattr(ob: Ob, name: Ob, value: Ob) -> Res<()> {
    unicode::check(name)?;
    let of_type = Own::new_shared(_PyType_Lookup(type_of(ob), name));
    if let Some(found) = &of_type
        && let Some(set) = (*type_of(found.ob())).tp_descr_set
    {
        return status(set(found.ob(), ob, value));
    }
    if !value.is_null() && instance::set(ob, name, value)? {
        return Ok(());
    }
    let (kind, text) = (crate::types::kind_of(ob), unicode::to_text(name));
    let Some(its) = instance_dict(ob, !value.is_null())? else {
        return match of_type {
            Some(_) => err::attribute_error(&format!("'{kind}' object attribute '{text}' is read-only")),
            None => err::attribute_error(&format!("'{kind}' object has no attribute '{text}'")),
        };
    };
    if !value.is_null() {
        return dict::set(its, name, value);
    }
    match dict::pop(its, name)? {
        Some(_) => Ok(()),
        None => err::attribute_error(&format!("'{kind}' object has no attribute '{text}'")),
    }
}

/// The attribute that type and dict of an instance say.
#[capi]
pub unsafe fn PyObject_GenericGetAttr(ob: Ob, name: Ob) -> Res<Own> {
    generic_getattr(ob, name)
}

/// Sets the attribute that type and dict of an instance say.
#[capi]
pub unsafe fn PyObject_GenericSetAttr(ob: Ob, name: Ob, value: Ob) -> Res<()> {
    generic_setattr(ob, name, value)
}

/// The attribute that a type and this dict (or, with NULL, that of the instance) say; with `suppress`, NULL without an
/// exception when there is none.
#[capi]
pub unsafe fn _PyObject_GenericGetAttrWithDict(ob: Ob, name: Ob, dict: Ob, suppress: c_int) -> Res<Option<Own>> {
    let found = if dict.is_null() {
        find(ob, name)
    } else {
        find_with(ob, name, || {
            // SAFETY: [X1] the caller's dict.
            unsafe { Ok(dict::get(dict, name)?.map(Own::share)) }
        })
    };
    match found {
        Err(_) if suppress != 0 && err::matches(exc::PyExc_AttributeError) => {
            err::clear();
            Ok(None)
        }
        Ok(None) if suppress == 0 => no_attribute(ob, name),
        found => found,
    }
}

/// Sets `__dict__`, for a table of computed attributes.
#[capi]
pub unsafe fn PyObject_GenericSetDict(ob: Ob, value: Ob, _: *mut std::ffi::c_void) -> Res<()> {
    if value.is_null() {
        return err::type_error("cannot delete __dict__");
    }
    if !crate::layout::has(value, crate::layout::flag::DICT) {
        let kind = crate::types::kind_of(value);
        return err::type_error(&format!("__dict__ must be set to a dictionary, not a '{kind}'"));
    }
    let Some(place) = dict_place(ob) else { return err::attribute_error("This object has no __dict__") };
    if instance::object(ob).is_some() {
        return instance::set_dict(ob, value);
    }
    let old = place.replace(Own::share(value).into_raw());
    crate::own::xdecref(old);
    Ok(())
}

/// `__dict__` for a table of computed attributes.
#[capi]
pub unsafe fn PyObject_GenericGetDict(ob: Ob, _: *mut std::ffi::c_void) -> Res<Own> {
    match instance_dict(ob, true)? {
        Some(its) => Ok(Own::share(its)),
        None => err::attribute_error("This object has no __dict__"),
    }
}

/// Where an instance keeps its dict; NULL when it has no place for one. What is there may be NULL.
#[capi]
pub unsafe fn _PyObject_GetDictPtr(ob: Ob) -> *mut Ob {
    // The attributes of an instance that began on the heap move into a dict, if they can.
    if instance::is_without_dict(ob) && instance::dict_of(ob).is_err() {
        err::clear();
        return null_mut();
    }
    dict_place(ob).unwrap_or(null_mut())
}

/// `object.name`
#[capi]
pub unsafe fn PyObject_GetAttr(ob: Ob, name: Ob) -> Res<Own> {
    let ty = type_of(ob);
    if let Some(get) = (*ty).tp_getattro {
        return owned(get(ob, name));
    }
    if let Some(get) = (*ty).tp_getattr {
        return owned(get(ob, unicode::PyUnicode_AsUTF8(name)?.cast_mut()));
    }
    no_attribute(ob, name)
}

/// `object.name`
#[capi]
pub unsafe fn PyObject_GetAttrString(ob: Ob, name: *const c_char) -> Res<Own> {
    let name = unicode::PyUnicode_FromString(name)?;
    PyObject_GetAttr(ob, name.ob())
}

/// `object.name`; 0 and NULL without an exception when there is none.
#[capi]
pub unsafe fn _PyObject_LookupAttr(ob: Ob, name: Ob, to: *mut Ob) -> Res<c_int> {
    *to = NULL;
    match PyObject_GetAttr(ob, name) {
        Ok(value) => {
            *to = value.into_raw();
            Ok(1)
        }
        Err(error) => {
            if err::matches(exc::PyExc_AttributeError) {
                err::clear();
                return Ok(0);
            }
            Err(error)
        }
    }
}

/// `object.name = value`; NULL removes.
#[capi]
pub unsafe fn PyObject_SetAttr(ob: Ob, name: Ob, value: Ob) -> Res<()> {
    let ty = type_of(ob);
    if let Some(set) = (*ty).tp_setattro {
        return status(set(ob, name, value));
    }
    if let Some(set) = (*ty).tp_setattr {
        return status(set(ob, unicode::PyUnicode_AsUTF8(name)?.cast_mut(), value));
    }
    err::type_error(&format!("'{}' object has no attributes", crate::types::kind_of(ob)))
}

/// `object.name = value`; NULL removes.
#[capi]
pub unsafe fn PyObject_SetAttrString(ob: Ob, name: *const c_char, value: Ob) -> Res<()> {
    let name = unicode::PyUnicode_InternFromString(name)?;
    PyObject_SetAttr(ob, name.ob(), value)
}

/// Whether an object has an attribute.
#[capi]
pub unsafe fn PyObject_HasAttr(ob: Ob, name: Ob) -> bool {
    let before = err::take();
    let found = PyObject_GetAttr(ob, name).is_ok();
    err::restore(before);
    found
}

/// Whether an object has an attribute.
#[capi]
pub unsafe fn PyObject_HasAttrString(ob: Ob, name: *const c_char) -> bool {
    let before = err::take();
    let found = PyObject_GetAttrString(ob, name).is_ok();
    err::restore(before);
    found
}

/// A method of an object that its type looks up, or `None`.
#[contract]
pub unsafe fn special(ob: Ob, name: &str) -> Res<Option<Own>> {
    let name = crate::names::get(name);
    let Some(found) = Own::new_shared(_PyType_Lookup(type_of(ob), name.ob())) else { return Ok(None) };
    match (*type_of(found.ob())).tp_descr_get {
        Some(get) => owned(get(found.ob(), ob, type_of(ob).cast())).map(Some),
        None => Ok(Some(found)),
    }
}
