//! Objects that the runtime makes on the heap, before C has seen them; and their mirrors.
//!
//! An int or a str that begins here, or an instance (`instance`), is an object of the nursery and nothing else. Its
//! `PyObject` is made when it crosses to C (`cross::to_c`): a copy of the value if it cannot change. All of them are linked light: what does not survive the nursery dies there, without a word.

use crate::answer::Res;
use crate::cross::alloc_items;
use crate::instance;
use crate::layout::{Ob, PyObject, PyVarObject, Ty};
use crate::long::PyLongObject;
use crate::runtime::mutator;
use crate::types::{PyLong_Type, PyUnicode_Type};
use crate::unicode::{PyASCIIObject, fill_ascii};
use handfast::raw::{self, LinkFlags, Object, TypeInfo};
use handfast_cpyext_macros::contract;
use std::ptr;

/// An int of 63 bits: its value is the second word.
static INT: TypeInfo = TypeInfo::new("int", 16).with_handle_slot(0);
/// A str of ASCII: its bytes are the items.
static STR: TypeInfo = TypeInfo::new("str", 8).with_handle_slot(0).with_items(1);
/// An int. May collect.
#[inline]
#[contract]
pub unsafe fn int(value: i64) -> Res<*mut Object> {
    let p = mutator().alloc_uninit(&INT);
    if p.is_null() {
        return crate::err::no_memory();
    }
    raw::payload(p).cast::<[i64; 2]>().write([0, value]);
    Ok(p)
}

/// The value of an int that began here.
#[inline]
#[contract]
pub unsafe fn value_of(p: *mut Object) -> Option<i64> {
    ptr::eq(raw::type_of(p), &INT).then(|| raw::payload(p).cast::<i64>().add(1).read())
}

/// A str of ASCII. May collect.
///
/// # Panics
/// When the text is not ASCII.
#[contract]
pub unsafe fn ascii(text: &str) -> Res<*mut Object> {
    assert!(text.is_ascii(), "a text of ASCII");
    let p = alloc_items(&STR, text.len())?;
    raw::payload(p).cast::<u8>().add(8).copy_from_nonoverlapping(text.as_ptr(), text.len());
    Ok(p)
}

/// The `PyObject` of what was made here: a new reference, or null when memory is out.
#[contract]
pub unsafe fn mirror(p: *mut Object) -> Ob {
    let info = raw::type_of(p);
    let payload = raw::payload(p).cast::<u8>();
    if ptr::eq(info, &INT) {
        let ob = handle(p, size_of::<PyVarObject>() + 12, &raw mut PyLong_Type);
        if !ob.is_null() {
            crate::long::fill_i64(ob.cast::<PyLongObject>(), payload.add(8).cast::<i64>().read());
        }
        return ob;
    }
    if ptr::eq(info, &STR) {
        let length = raw::items(p);
        let ob = handle(p, size_of::<PyASCIIObject>() + length + 1, &raw mut PyUnicode_Type);
        if !ob.is_null() {
            fill_ascii(ob, std::slice::from_raw_parts(payload.add(8), length));
        }
        return ob;
    }
    assert!(ptr::eq(info, &instance::INSTANCE), "an object of a kind that has no mirror");
    instance::mirror(p)
}

/// A light mirror: a new reference, or null when memory is out.
#[inline]
#[contract]
pub unsafe fn handle(p: *mut Object, size: usize, ty: Ty) -> Ob {
    let ob: *mut PyObject = mutator().handle(p, size, ty.cast(), LinkFlags::LIGHT).cast();
    ob
}
