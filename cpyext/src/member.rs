//! Members: fields of a struct that a table makes attributes.

use crate::answer::Res;
use crate::err;
use crate::exc;
use crate::layout::{NULL, Ob, PyMemberDef};
use crate::long;
use crate::own::{Own, incref, xdecref};
use handfast_cpyext_macros::{capi, contract};
use std::ffi::{CStr, c_char, c_int};
use std::ptr::null;

const READONLY: c_int = 1;
const T_STRING: c_int = 5;
const T_OBJECT: c_int = 6;
const T_STRING_INPLACE: c_int = 13;
const T_OBJECT_EX: c_int = 16;
const T_NONE: c_int = 20;

/// A reference that can be read, NULL as None: an entry of a table of this crate's.
pub const fn object(name: &'static CStr, offset: usize) -> PyMemberDef {
    PyMemberDef { name: name.as_ptr(), ty: T_OBJECT, offset: offset as isize, flags: READONLY, doc: null() }
}

/// The end of a table.
pub const END: PyMemberDef = PyMemberDef { name: null(), ty: 0, offset: 0, flags: 0, doc: null() };

/// The kinds of numbers: code, type, getter into an int.
macro_rules! numbers {
    ($($code:literal: $ty:ty;)*) => {
        #[contract]
        unsafe fn get_number(place: *const u8, code: c_int) -> Option<Res<Own>> {
            match code {
                $($code => Some(long::from_big(&place.cast::<$ty>().read_unaligned().into())),)*
                _ => None,
            }
        }

        #[contract]
        unsafe fn set_number(place: *mut u8, code: c_int, value: Ob) -> Option<Res<()>> {
            match code {
                $($code => Some((|| {
                    // What does not fit is cut, as C does.
                    let value = long::PyLong_AsUnsignedLongLongMask(value)?;
                    place.cast::<$ty>().write_unaligned(value as $ty);
                    Ok(())
                })()),)*
                _ => None,
            }
        }
    };
}
numbers! {
    0: i16; 1: i32; 2: i64; 8: i8; 9: u8; 10: u16; 11: u32; 12: u64; 17: i64; 18: u64; 19: i64;
}

#[contract]
unsafe fn name<'a>(member: *mut PyMemberDef) -> std::borrow::Cow<'a, str> {
    CStr::from_ptr((*member).name).to_string_lossy()
}

/// The value of a member of the instance at `base`.
#[contract]
pub unsafe fn get(base: *const u8, member: *mut PyMemberDef) -> Res<Own> {
    let place = base.offset((*member).offset);
    let code = (*member).ty;
    if let Some(number) = get_number(place, code) {
        return number;
    }
    match code {
        3 => crate::float::from_f64(f64::from(place.cast::<f32>().read_unaligned())),
        4 => crate::float::from_f64(place.cast::<f64>().read_unaligned()),
        7 => crate::unicode::from_points(&[u32::from(place.read())]),
        14 => Ok(crate::object::bool_of(place.read() != 0)),
        T_STRING => match place.cast::<*const c_char>().read_unaligned() {
            text if text.is_null() => Ok(Own::share(crate::object::none())),
            text => crate::unicode::PyUnicode_FromString(text),
        },
        T_STRING_INPLACE => crate::unicode::PyUnicode_FromString(place.cast()),
        T_OBJECT | T_OBJECT_EX => match place.cast::<Ob>().read_unaligned() {
            NULL if code == T_OBJECT_EX => err::attribute_error(&name(member)),
            NULL => Ok(Own::share(crate::object::none())),
            ob => Ok(Own::share(ob)),
        },
        T_NONE => Ok(Own::share(crate::object::none())),
        _ => err::bad_internal_call("bad memberdescr type"),
    }
}

/// Sets a member of the instance at `base`; NULL removes it.
#[contract]
pub unsafe fn set(base: *mut u8, member: *mut PyMemberDef, value: Ob) -> Res<()> {
    let place = base.offset((*member).offset);
    let code = (*member).ty;
    if (*member).flags & READONLY != 0 || matches!(code, T_STRING | T_STRING_INPLACE) {
        return err::attribute_error("readonly attribute");
    }
    if value.is_null() && !matches!(code, T_OBJECT | T_OBJECT_EX) {
        return err::type_error("can't delete numeric/char attribute");
    }
    if let Some(done) = set_number(place, code, value) {
        return done;
    }
    match code {
        3 => place.cast::<f32>().write_unaligned(crate::float::PyFloat_AsDouble(value)? as f32),
        4 => place.cast::<f64>().write_unaligned(crate::float::PyFloat_AsDouble(value)?),
        14 => {
            if !std::ptr::eq(value, crate::object::bool_ob(true)) && !std::ptr::eq(value, crate::object::bool_ob(false))
            {
                return err::type_error("attribute value type must be bool");
            }
            place.write(u8::from(std::ptr::eq(value, crate::object::bool_ob(true))));
        }
        T_OBJECT | T_OBJECT_EX => {
            let place = place.cast::<Ob>();
            if value.is_null() && code == T_OBJECT_EX && place.read_unaligned().is_null() {
                return err::attribute_error(&name(member));
            }
            if !value.is_null() {
                incref(value);
            }
            let old = place.read_unaligned();
            place.write_unaligned(value);
            xdecref(old);
        }
        _ => return err::raise(exc::PyExc_SystemError, &format!("bad memberdescr type for {}", name(member))),
    }
    Ok(())
}

/// The value of a member.
#[capi]
pub unsafe fn PyMember_GetOne(base: *const c_char, member: *mut PyMemberDef) -> Res<Own> {
    get(base.cast(), member)
}

/// Sets a member.
#[capi]
pub unsafe fn PyMember_SetOne(base: *mut c_char, member: *mut PyMemberDef, value: Ob) -> Res<()> {
    set(base.cast(), member, value)
}
