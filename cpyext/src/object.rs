//! What every object can do: compare, hash, text, truth, items; and the objects that exist once (None, True…).

use crate::answer::{Res, owned};
pub use crate::depth::{Depth, ReprGuard};
use crate::err;
use crate::layout::{NULL, Ob, PyObject, PyVarObject, Ty, flag, has, type_of};
use crate::long::PyLongObject;
use crate::own::{Own, incref};
use crate::runtime;
use crate::types::{PyBool_Type, PyEllipsis_Type, PyNone_Type, PyNotImplemented_Type, PyType_IsSubtype};
use handfast_cpyext_macros::{capi, contract, slot};
use std::cmp::Ordering;
use std::ffi::c_int;
use std::ptr;

/// `<`
pub const LT: c_int = 0;
/// `<=`
pub const LE: c_int = 1;
/// `==`
pub const EQ: c_int = 2;
/// `!=`
pub const NE: c_int = 3;
/// `>`
pub const GT: c_int = 4;
/// `>=`
pub const GE: c_int = 5;

macro_rules! singletons {
    ($($(#[$doc:meta])* $name:ident: $ty:ident;)*) => { $(
        $(#[$doc])*
        #[used]
        #[unsafe(no_mangle)]
        pub static mut $name: PyObject = PyObject::immortal(&raw mut $ty);
    )* };
}
singletons! {
    /// None.
    _Py_NoneStruct: PyNone_Type;
    /// NotImplemented.
    _Py_NotImplementedStruct: PyNotImplemented_Type;
    /// Ellipsis.
    _Py_EllipsisObject: PyEllipsis_Type;
}

macro_rules! bools {
    ($($(#[$doc:meta])* $name:ident: $value:literal;)*) => { $(
        $(#[$doc])*
        #[used]
        #[unsafe(no_mangle)]
        pub static mut $name: PyLongObject = PyLongObject {
            ob_base: PyVarObject {
                ob_base: PyObject::immortal(&raw mut PyBool_Type),
                ob_size: $value,
            },
            ob_digit: [$value],
        };
    )* };
}
bools! {
    /// True.
    _Py_TrueStruct: 1;
    /// False.
    _Py_FalseStruct: 0;
}

/// None, borrowed.
pub fn none() -> Ob {
    &raw mut _Py_NoneStruct
}

/// NotImplemented.
pub fn not_implemented() -> Own {
    Own::share(&raw mut _Py_NotImplementedStruct)
}

/// True or False, borrowed.
pub fn bool_ob(value: bool) -> Ob {
    if value { (&raw mut _Py_TrueStruct).cast() } else { (&raw mut _Py_FalseStruct).cast() }
}

/// True or False.
pub fn bool_of(value: bool) -> Own {
    Own::share(bool_ob(value))
}

/// Adopts the objects that exist once.
#[contract]
pub unsafe fn init() {
    for ob in [none(), &raw mut _Py_NotImplementedStruct, &raw mut _Py_EllipsisObject] {
        runtime::adopt_static(ob, size_of::<PyObject>());
    }
    for value in [true, false] {
        runtime::adopt_static(bool_ob(value), size_of::<PyLongObject>());
    }
}

/// Whether an order satisfies a comparison.
pub fn holds(order: Ordering, op: c_int) -> bool {
    match op {
        LT => order == Ordering::Less,
        LE => order != Ordering::Greater,
        EQ => order == Ordering::Equal,
        NE => order != Ordering::Equal,
        GT => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }
}

/// Compares; a new reference.
#[capi]
pub unsafe fn PyObject_RichCompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if a.is_null() || b.is_null() {
        return err::bad_internal_call("bad argument to internal function");
    }
    let _depth = Depth::enter(" in comparison")?;
    let swapped = [GT, GE, EQ, NE, LT, LE][op as usize];
    let not = &raw mut _Py_NotImplementedStruct;
    let reflected_first = !ptr::eq(type_of(a), type_of(b)) && PyType_IsSubtype(type_of(b), type_of(a)) != 0;
    if reflected_first && let Some(compare) = (*type_of(b)).tp_richcompare {
        let answer = owned(compare(b, a, swapped))?;
        if !ptr::eq(answer.ob(), not) {
            return Ok(answer);
        }
    }
    if let Some(compare) = (*type_of(a)).tp_richcompare {
        let answer = owned(compare(a, b, op))?;
        if !ptr::eq(answer.ob(), not) {
            return Ok(answer);
        }
    }
    if !reflected_first && let Some(compare) = (*type_of(b)).tp_richcompare {
        let answer = owned(compare(b, a, swapped))?;
        if !ptr::eq(answer.ob(), not) {
            return Ok(answer);
        }
    }
    match op {
        EQ => Ok(bool_of(ptr::eq(a, b))),
        NE => Ok(bool_of(!ptr::eq(a, b))),
        _ => {
            let sign = ["<", "<=", "==", "!=", ">", ">="][op as usize];
            let (a, b) = (crate::types::kind_of(a), crate::types::kind_of(b));
            err::type_error(&format!("'{sign}' not supported between instances of '{a}' and '{b}'"))
        }
    }
}

/// Whether a comparison holds; an object is equal to itself.
#[capi]
pub unsafe fn PyObject_RichCompareBool(a: Ob, b: Ob, op: c_int) -> Res<bool> {
    if ptr::eq(a, b) && (op == EQ || op == NE) {
        return Ok(op == EQ);
    }
    let answer = PyObject_RichCompare(a, b, op)?;
    Ok(PyObject_IsTrue(answer.ob())? != 0)
}

/// The default comparison: identity.
#[slot]
pub unsafe fn object_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    match op {
        EQ if ptr::eq(a, b) => Ok(bool_of(true)),
        NE => match (*type_of(a)).tp_richcompare {
            Some(compare) => {
                let equal = owned(compare(a, b, EQ))?;
                if ptr::eq(equal.ob(), &raw mut _Py_NotImplementedStruct) {
                    return Ok(equal);
                }
                Ok(bool_of(PyObject_IsTrue(equal.ob())? == 0))
            }
            None => Ok(not_implemented()),
        },
        _ => Ok(not_implemented()),
    }
}

/// The hash.
#[capi]
pub unsafe fn PyObject_Hash(ob: Ob) -> Res<isize> {
    let Some(hash) = (*type_of(ob)).tp_hash else { return PyObject_HashNotImplemented(ob) };
    match hash(ob) {
        -1 if err::is_raised() => Err(crate::answer::Raised),
        hash => Ok(hash),
    }
}

/// What an unhashable type has for its hash.
#[capi]
pub unsafe fn PyObject_HashNotImplemented(ob: Ob) -> Res<isize> {
    err::type_error(&format!("unhashable type: '{}'", crate::types::kind_of(ob)))
}

/// `PyObject_HashNotImplemented` for tables.
#[slot]
pub unsafe fn not_hashable(ob: Ob) -> Res<isize> {
    PyObject_HashNotImplemented(ob)
}

/// The hash of an address.
#[capi]
pub unsafe fn _Py_HashPointer(address: *const std::ffi::c_void) -> isize {
    match (address as usize).rotate_right(4) as isize {
        -1 => -2,
        hash => hash,
    }
}

/// The default hash: the address, which never changes.
#[slot]
pub unsafe fn object_hash(ob: Ob) -> isize {
    _Py_HashPointer(ob.cast())
}

/// `repr(object)`
#[capi]
pub unsafe fn PyObject_Repr(ob: Ob) -> Res<Own> {
    if ob.is_null() {
        return crate::unicode::from_str("<NULL>");
    }
    let Some(repr) = (*type_of(ob)).tp_repr else { return object_repr(ob) };
    let _depth = Depth::enter(" while getting the repr of an object")?;
    text_answer(owned(repr(ob))?, "__repr__")
}

#[contract]
unsafe fn text_answer(text: Own, by: &str) -> Res<Own> {
    if !crate::unicode::is_str(text.ob()) {
        let kind = crate::types::kind_of(text.ob());
        return err::type_error(&format!("{by} returned non-string (type {kind})"));
    }
    Ok(text)
}

/// `repr` as Rust text, for messages; empty when it raises.
#[contract]
pub unsafe fn repr_text(ob: Ob) -> String {
    match PyObject_Repr(ob) {
        Ok(text) => crate::unicode::to_text(text.ob()),
        Err(_) => {
            err::clear();
            String::new()
        }
    }
}

/// `str(object)`
#[capi]
pub unsafe fn PyObject_Str(ob: Ob) -> Res<Own> {
    if ob.is_null() {
        return crate::unicode::from_str("<NULL>");
    }
    if ptr::eq(type_of(ob), &raw mut crate::types::PyUnicode_Type) {
        return Ok(Own::share(ob));
    }
    let Some(str) = (*type_of(ob)).tp_str else { return PyObject_Repr(ob) };
    let _depth = Depth::enter(" while getting the str of an object")?;
    text_answer(owned(str(ob))?, "__str__")
}

/// `ascii(object)`
#[capi]
pub unsafe fn PyObject_ASCII(ob: Ob) -> Res<Own> {
    let text = PyObject_Repr(ob)?;
    let escaped: String = crate::unicode::points(text.ob())
        .into_iter()
        .map(|c| match c {
            0..0x80 => char::from(c as u8).to_string(),
            0x80..0x100 => format!("\\x{c:02x}"),
            0x100..0x10000 => format!("\\u{c:04x}"),
            _ => format!("\\U{c:08x}"),
        })
        .collect();
    crate::unicode::from_str(&escaped)
}

/// The default `repr`.
#[slot]
pub unsafe fn object_repr(ob: Ob) -> Res<Own> {
    let name = crate::types::full_name(type_of(ob));
    crate::unicode::from_str(&format!("<{name} object at {ob:p}>"))
}

/// The default `str`: `repr`.
#[slot]
pub unsafe fn object_str(ob: Ob) -> Res<Own> {
    PyObject_Repr(ob)
}

/// `str` of a str: itself; of a subtype's, a copy.
#[slot]
pub unsafe fn str_str(ob: Ob) -> Res<Own> {
    crate::unicode::PyUnicode_FromObject(ob)
}

/// `bytes(object)`
#[capi]
pub unsafe fn PyObject_Bytes(ob: Ob) -> Res<Own> {
    crate::bytes::PyBytes_FromObject(ob)
}

/// Whether an object is true: 1, 0 or -1.
#[capi]
pub unsafe fn PyObject_IsTrue(ob: Ob) -> Res<c_int> {
    if ptr::eq(ob, bool_ob(true)) {
        return Ok(1);
    }
    if ptr::eq(ob, bool_ob(false)) || ptr::eq(ob, none()) {
        return Ok(0);
    }
    let ty = type_of(ob);
    let answer = if let Some(truth) = (*ty).tp_as_number.as_ref().and_then(|table| table.nb_bool) {
        truth(ob) as isize
    } else if let Some(length) = (*ty).tp_as_mapping.as_ref().and_then(|table| table.mp_length) {
        length(ob)
    } else if let Some(length) = (*ty).tp_as_sequence.as_ref().and_then(|table| table.sq_length) {
        length(ob)
    } else {
        return Ok(1);
    };
    if answer < 0 { Err(crate::answer::Raised) } else { Ok(c_int::from(answer > 0)) }
}

/// `not object`
#[capi]
pub unsafe fn PyObject_Not(ob: Ob) -> Res<c_int> {
    Ok(1 - PyObject_IsTrue(ob)?)
}

/// `len(object)`
#[capi]
pub unsafe fn PyObject_Size(ob: Ob) -> Res<isize> {
    if ob.is_null() {
        return err::bad_internal_call("bad argument to internal function");
    }
    let ty = type_of(ob);
    let sequence = (*ty).tp_as_sequence.as_ref().and_then(|table| table.sq_length);
    let Some(length) = sequence.or_else(|| (*ty).tp_as_mapping.as_ref().and_then(|table| table.mp_length)) else {
        return err::type_error(&format!("object of type '{}' has no len()", crate::types::kind_of(ob)));
    };
    match length(ob) {
        size @ 0.. => Ok(size),
        _ => Err(crate::answer::Raised),
    }
}

/// `len(object)`, under its other name.
#[capi]
pub unsafe fn PyObject_Length(ob: Ob) -> Res<isize> {
    PyObject_Size(ob)
}

/// `object[key]`
#[capi]
pub unsafe fn PyObject_GetItem(ob: Ob, key: Ob) -> Res<Own> {
    if ob.is_null() || key.is_null() {
        return err::bad_internal_call("bad argument to internal function");
    }
    let ty = type_of(ob);
    if let Some(subscript) = (*ty).tp_as_mapping.as_ref().and_then(|table| table.mp_subscript) {
        return owned(subscript(ob, key));
    }
    if (*ty).tp_as_sequence.as_ref().is_some_and(|table| table.sq_item.is_some()) {
        let at = crate::number::index_for(key, "sequence index must be integer, not ")?;
        return crate::sequence::PySequence_GetItem(ob, at);
    }
    err::type_error(&format!("'{}' object is not subscriptable", crate::types::kind_of(ob)))
}

/// `object[key] = value`; without a value, `del object[key]`.
#[contract]
unsafe fn assign(ob: Ob, key: Ob, value: Ob) -> Res<()> {
    if ob.is_null() || key.is_null() {
        return err::bad_internal_call("bad argument to internal function");
    }
    let ty = type_of(ob);
    if let Some(assign) = (*ty).tp_as_mapping.as_ref().and_then(|table| table.mp_ass_subscript) {
        return crate::answer::status(assign(ob, key, value));
    }
    if (*ty).tp_as_sequence.as_ref().is_some_and(|table| table.sq_ass_item.is_some()) {
        let at = crate::number::index_for(key, "sequence index must be integer, not ")?;
        return crate::sequence::assign(ob, at, value);
    }
    let what = if value.is_null() { "deletion" } else { "assignment" };
    err::type_error(&format!("'{}' object does not support item {what}", crate::types::kind_of(ob)))
}

/// `object[key] = value`
#[capi]
pub unsafe fn PyObject_SetItem(ob: Ob, key: Ob, value: Ob) -> Res<()> {
    assign(ob, key, value)
}

/// `del object[key]`
#[capi]
pub unsafe fn PyObject_DelItem(ob: Ob, key: Ob) -> Res<()> {
    assign(ob, key, NULL)
}

/// `isinstance(object, type)`, also of a tuple of types.
#[capi]
pub unsafe fn PyObject_IsInstance(ob: Ob, ty: Ob) -> Res<c_int> {
    if has(ty, flag::TUPLE) {
        for &one in crate::tuple::items_of(ty) {
            if PyObject_IsInstance(ob, one)? != 0 {
                return Ok(1);
            }
        }
        return Ok(0);
    }
    if !has(ty, flag::TYPE) {
        return err::type_error("isinstance() arg 2 must be a type, a tuple of types, or a union");
    }
    Ok(PyType_IsSubtype(type_of(ob), ty.cast()))
}

/// `issubclass(type, type)`, also of a tuple of types.
#[capi]
pub unsafe fn PyObject_IsSubclass(derived: Ob, ty: Ob) -> Res<c_int> {
    if has(ty, flag::TUPLE) {
        for &one in crate::tuple::items_of(ty) {
            if PyObject_IsSubclass(derived, one)? != 0 {
                return Ok(1);
            }
        }
        return Ok(0);
    }
    if !has(derived, flag::TYPE) || !has(ty, flag::TYPE) {
        return err::type_error("issubclass() arg 1 must be a class");
    }
    Ok(PyType_IsSubtype(derived.cast(), ty.cast()))
}

/// `type(object)`
#[capi]
pub unsafe fn PyObject_Type(ob: Ob) -> Own {
    Own::share(type_of(ob).cast())
}

/// Whether an object can be called.
#[capi]
pub unsafe fn PyCallable_Check(ob: Ob) -> c_int {
    c_int::from(!ob.is_null() && (*type_of(ob)).tp_call.is_some())
}

/// True or False.
#[capi]
pub unsafe fn PyBool_FromLong(value: std::ffi::c_long) -> Own {
    bool_of(value != 0)
}

/// `True`, `False`
#[slot]
pub unsafe fn bool_repr(ob: Ob) -> Res<Own> {
    crate::unicode::from_str(if ptr::eq(ob, bool_ob(true)) { "True" } else { "False" })
}

/// `bool(...)`
#[slot]
pub unsafe fn bool_new(_ty: Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    match crate::tuple::items_of(args) {
        [] => Ok(bool_of(false)),
        [ob, ..] => Ok(bool_of(PyObject_IsTrue(*ob)? != 0)),
    }
}

/// `None`, `NotImplemented`, `Ellipsis`
#[slot]
pub unsafe fn singleton_repr(ob: Ob) -> Res<Own> {
    let name = if ptr::eq(ob, none()) {
        "None"
    } else if ptr::eq(ob, &raw mut _Py_EllipsisObject) {
        "Ellipsis"
    } else {
        "NotImplemented"
    };
    crate::unicode::from_str(name)
}

/// Takes a reference, where a function is wanted.
#[capi]
pub unsafe fn Py_IncRef(ob: Ob) {
    if !ob.is_null() {
        incref(ob);
    }
}

/// Drops a reference, where a function is wanted.
#[capi]
pub unsafe fn Py_DecRef(ob: Ob) {
    crate::own::xdecref(ob);
}
