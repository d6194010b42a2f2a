//! The number protocol.

use crate::answer::{Res, owned};
use crate::err;
use crate::layout::{Ob, PyNumberMethods, binaryfunc, flag, has, type_of};
use crate::long;
use crate::object::_Py_NotImplementedStruct;
use crate::own::Own;
use crate::types::PyType_IsSubtype;
use handfast_cpyext_macros::{capi, contract};
use std::ffi::c_int;
use std::ptr;

type Select = fn(&PyNumberMethods) -> Option<binaryfunc>;

#[contract]
unsafe fn function(ob: Ob, select: Select) -> Option<binaryfunc> {
    (*type_of(ob)).tp_as_number.as_ref().and_then(select)
}

/// What the two types answer, the right one's first if it is a subtype; `None` when neither knows.
#[contract]
unsafe fn try_binary(a: Ob, b: Ob, select: Select) -> Res<Option<Own>> {
    if a.is_null() || b.is_null() {
        return err::bad_internal_call("bad argument to internal function");
    }
    let left = function(a, select);
    let mut right = if ptr::eq(type_of(a), type_of(b)) { None } else { function(b, select) };
    if left.map(|f| f as usize) == right.map(|f| f as usize) {
        right = None;
    }
    let mut order = [left, right];
    if right.is_some() && PyType_IsSubtype(type_of(b), type_of(a)) != 0 {
        order = [right, left];
    }
    for f in order.into_iter().flatten() {
        let answer = owned(f(a, b))?;
        if !ptr::eq(answer.ob(), &raw mut _Py_NotImplementedStruct) {
            return Ok(Some(answer));
        }
    }
    Ok(None)
}

#[contract]
unsafe fn unsupported(a: Ob, b: Ob, sign: &str) -> Res<Own> {
    let (a, b) = (crate::types::kind_of(a), crate::types::kind_of(b));
    err::type_error(&format!("unsupported operand type(s) for {sign}: '{a}' and '{b}'"))
}

#[contract]
unsafe fn binary(a: Ob, b: Ob, select: Select, sign: &str) -> Res<Own> {
    match try_binary(a, b, select)? {
        Some(answer) => Ok(answer),
        None => unsupported(a, b, sign),
    }
}

macro_rules! binary {
    ($($name:ident, $slot:ident, $inplace:ident, $inplace_slot:ident, $sign:literal;)*) => { $(
        #[doc = concat!("`a ", $sign, " b`")]
        #[capi]
        pub unsafe fn $name(a: Ob, b: Ob) -> Res<Own> {
            binary(a, b, |table| table.$slot, $sign)
        }

        #[doc = concat!("`a ", $sign, "= b`")]
        #[capi]
        pub unsafe fn $inplace(a: Ob, b: Ob) -> Res<Own> {
            if let Some(f) = function(a, |table| table.$inplace_slot) {
                let answer = owned(f(a, b))?;
                if !ptr::eq(answer.ob(), &raw mut _Py_NotImplementedStruct) {
                    return Ok(answer);
                }
            }
            $name(a, b)
        }
    )* };
}
binary! {
    PyNumber_Subtract, nb_subtract, PyNumber_InPlaceSubtract, nb_inplace_subtract, "-";
    PyNumber_Remainder, nb_remainder, PyNumber_InPlaceRemainder, nb_inplace_remainder, "%";
    PyNumber_Lshift, nb_lshift, PyNumber_InPlaceLshift, nb_inplace_lshift, "<<";
    PyNumber_Rshift, nb_rshift, PyNumber_InPlaceRshift, nb_inplace_rshift, ">>";
    PyNumber_And, nb_and, PyNumber_InPlaceAnd, nb_inplace_and, "&";
    PyNumber_Or, nb_or, PyNumber_InPlaceOr, nb_inplace_or, "|";
    PyNumber_Xor, nb_xor, PyNumber_InPlaceXor, nb_inplace_xor, "^";
    PyNumber_FloorDivide, nb_floor_divide, PyNumber_InPlaceFloorDivide, nb_inplace_floor_divide, "//";
    PyNumber_TrueDivide, nb_true_divide, PyNumber_InPlaceTrueDivide, nb_inplace_true_divide, "/";
    PyNumber_MatrixMultiply, nb_matrix_multiply, PyNumber_InPlaceMatrixMultiply, nb_inplace_matrix_multiply, "@";
}

/// `divmod(a, b)`
#[capi]
pub unsafe fn PyNumber_Divmod(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |table| table.nb_divmod, "divmod()")
}

/// `a + b`, of numbers or sequences.
#[capi]
pub unsafe fn PyNumber_Add(a: Ob, b: Ob) -> Res<Own> {
    if let Some(answer) = try_binary(a, b, |table| table.nb_add)? {
        return Ok(answer);
    }
    if let Some(concat) = (*type_of(a)).tp_as_sequence.as_ref().and_then(|table| table.sq_concat) {
        return owned(concat(a, b));
    }
    unsupported(a, b, "+")
}

/// `a += b`
#[capi]
pub unsafe fn PyNumber_InPlaceAdd(a: Ob, b: Ob) -> Res<Own> {
    if let Some(f) = function(a, |table| table.nb_inplace_add) {
        let answer = owned(f(a, b))?;
        if !ptr::eq(answer.ob(), &raw mut _Py_NotImplementedStruct) {
            return Ok(answer);
        }
    }
    if let Some(concat) = (*type_of(a)).tp_as_sequence.as_ref().and_then(|table| table.sq_inplace_concat) {
        return owned(concat(a, b));
    }
    PyNumber_Add(a, b)
}

/// `a * b`, of numbers, or of a sequence and a number.
#[capi]
pub unsafe fn PyNumber_Multiply(a: Ob, b: Ob) -> Res<Own> {
    if let Some(answer) = try_binary(a, b, |table| table.nb_multiply)? {
        return Ok(answer);
    }
    for (sequence, times) in [(a, b), (b, a)] {
        if let Some(repeat) = (*type_of(sequence)).tp_as_sequence.as_ref().and_then(|table| table.sq_repeat) {
            if PyIndex_Check(times) == 0 {
                let kind = crate::types::kind_of(times);
                return err::type_error(&format!("can't multiply sequence by non-int of type '{kind}'"));
            }
            return owned(repeat(sequence, PyNumber_AsSsize_t(times, crate::exc::PyExc_OverflowError)?));
        }
    }
    unsupported(a, b, "*")
}

/// `a *= b`
#[capi]
pub unsafe fn PyNumber_InPlaceMultiply(a: Ob, b: Ob) -> Res<Own> {
    if let Some(f) = function(a, |table| table.nb_inplace_multiply) {
        let answer = owned(f(a, b))?;
        if !ptr::eq(answer.ob(), &raw mut _Py_NotImplementedStruct) {
            return Ok(answer);
        }
    }
    PyNumber_Multiply(a, b)
}

/// `a ** b`, modulo `c` unless it is None.
#[capi]
pub unsafe fn PyNumber_Power(a: Ob, b: Ob, c: Ob) -> Res<Own> {
    for ob in [a, b] {
        if let Some(power) = (*type_of(ob)).tp_as_number.as_ref().and_then(|table| table.nb_power) {
            let answer = owned(power(a, b, c))?;
            if !ptr::eq(answer.ob(), &raw mut _Py_NotImplementedStruct) {
                return Ok(answer);
            }
        }
        if ptr::eq(type_of(a), type_of(b)) {
            break;
        }
    }
    unsupported(a, b, "** or pow()")
}

/// `a **= b`
#[capi]
pub unsafe fn PyNumber_InPlacePower(a: Ob, b: Ob, c: Ob) -> Res<Own> {
    if let Some(power) = (*type_of(a)).tp_as_number.as_ref().and_then(|table| table.nb_inplace_power) {
        let answer = owned(power(a, b, c))?;
        if !ptr::eq(answer.ob(), &raw mut _Py_NotImplementedStruct) {
            return Ok(answer);
        }
    }
    PyNumber_Power(a, b, c)
}

macro_rules! unary {
    ($($name:ident, $slot:ident, $text:literal;)*) => { $(
        #[doc = concat!("`", stringify!($slot), "` of an object.")]
        #[capi]
        pub unsafe fn $name(ob: Ob) -> Res<Own> {
            if ob.is_null() {
                return err::bad_internal_call("bad argument to internal function");
            }
            match (*type_of(ob)).tp_as_number.as_ref().and_then(|table| table.$slot) {
                Some(f) => owned(f(ob)),
                None => err::type_error(&format!(concat!($text, ": '{}'"), crate::types::kind_of(ob))),
            }
        }
    )* };
}
unary! {
    PyNumber_Negative, nb_negative, "bad operand type for unary -";
    PyNumber_Positive, nb_positive, "bad operand type for unary +";
    PyNumber_Invert, nb_invert, "bad operand type for unary ~";
    PyNumber_Absolute, nb_absolute, "bad operand type for abs()";
}

/// Whether an object has `__index__`.
#[capi]
pub unsafe fn PyIndex_Check(ob: Ob) -> c_int {
    c_int::from((*type_of(ob)).tp_as_number.as_ref().is_some_and(|table| table.nb_index.is_some()))
}

/// Whether an object is a number.
#[capi]
pub unsafe fn PyNumber_Check(ob: Ob) -> c_int {
    let table = if ob.is_null() { None } else { (*type_of(ob)).tp_as_number.as_ref() };
    c_int::from(table.is_some_and(|t| t.nb_index.is_some() || t.nb_int.is_some() || t.nb_float.is_some()))
}

/// The int that an object is an index with.
#[capi]
pub unsafe fn PyNumber_Index(ob: Ob) -> Res<Own> {
    if ob.is_null() {
        return err::bad_internal_call("bad argument to internal function");
    }
    if has(ob, flag::LONG) {
        return Ok(Own::share(ob));
    }
    let Some(index) = (*type_of(ob)).tp_as_number.as_ref().and_then(|table| table.nb_index) else {
        return err::type_error(&format!("'{}' object cannot be interpreted as an integer", crate::types::kind_of(ob)));
    };
    let answer = owned(index(ob))?;
    if !has(answer.ob(), flag::LONG) {
        return err::type_error(&format!("__index__ returned non-int (type {})", crate::types::kind_of(answer.ob())));
    }
    Ok(answer)
}

/// An index as a C number; too large raises `error`, or is clipped when that is NULL.
#[capi]
pub unsafe fn PyNumber_AsSsize_t(ob: Ob, error: Ob) -> Res<isize> {
    let index = PyNumber_Index(ob)?;
    match long::to_i64(index.ob()) {
        Some(value) => Ok(value as isize),
        None if error.is_null() => Ok(if long::sign(index.ob()) < 0 { isize::MIN } else { isize::MAX }),
        None => err::raise(error, &format!("cannot fit '{}' into an index-sized integer", crate::types::kind_of(ob))),
    }
}

/// The index that a key is, with a message for those that are none.
#[contract]
pub unsafe fn index_for(key: Ob, message: &str) -> Res<isize> {
    if PyIndex_Check(key) == 0 {
        return err::type_error(&format!("{message}{}", crate::types::kind_of(key)));
    }
    PyNumber_AsSsize_t(key, crate::exc::PyExc_IndexError)
}

/// `int(object)`
#[capi]
pub unsafe fn PyNumber_Long(ob: Ob) -> Res<Own> {
    if ob.is_null() {
        return err::bad_internal_call("bad argument to internal function");
    }
    if long::is_exact(ob) {
        return Ok(Own::share(ob));
    }
    let table = (*type_of(ob)).tp_as_number.as_ref();
    if let Some(convert) = table.and_then(|table| table.nb_int) {
        let answer = owned(convert(ob))?;
        if !has(answer.ob(), flag::LONG) {
            return err::type_error(&format!("__int__ returned non-int (type {})", crate::types::kind_of(answer.ob())));
        }
        return Ok(answer);
    }
    if table.is_some_and(|table| table.nb_index.is_some()) {
        return PyNumber_Index(ob);
    }
    if crate::unicode::is_str(ob) {
        return long::parse(&crate::unicode::to_text(ob), 10);
    }
    if crate::bytes::is_bytes(ob) {
        return long::parse(&String::from_utf8_lossy(crate::bytes::slice(ob)), 10);
    }
    let kind = crate::types::kind_of(ob);
    err::type_error(&format!("int() argument must be a string, a bytes-like object or a real number, not '{kind}'"))
}

/// `float(object)`
#[capi]
pub unsafe fn PyNumber_Float(ob: Ob) -> Res<Own> {
    if ptr::eq(type_of(ob), &raw mut crate::types::PyFloat_Type) {
        return Ok(Own::share(ob));
    }
    if PyNumber_Check(ob) != 0 {
        return crate::float::from_f64(crate::float::PyFloat_AsDouble(ob)?);
    }
    crate::float::PyFloat_FromString(ob)
}

/// An int in base 2, 8, 10 or 16, with its prefix.
#[capi]
pub unsafe fn PyNumber_ToBase(ob: Ob, base: c_int) -> Res<Own> {
    use num_traits::Signed;
    let index = PyNumber_Index(ob)?;
    let value = long::to_big(index.ob());
    let prefix = match base {
        2 => "0b",
        8 => "0o",
        10 => "",
        16 => "0x",
        _ => return err::bad_internal_call("PyNumber_ToBase: base must be 2, 8, 10 or 16"),
    };
    let sign = if value.is_negative() { "-" } else { "" };
    crate::unicode::from_str(&format!("{sign}{prefix}{}", value.abs().to_str_radix(base as u32)))
}
