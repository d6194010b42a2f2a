//! bytes: in place, followed by a zero, as C reads it.

use crate::answer::Res;
use crate::err;
use crate::layout::{NULL, Ob, Py_buffer, PyVarObject, Ty, flag, has, raw_ob, size_of_var, type_of};
use crate::own::{Own, decref};
use crate::spare;
use crate::types::PyBytes_Type;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{CStr, c_char, c_int};
use std::ptr;

/// A bytes object.
#[repr(C)]
#[derive(Debug)]
pub struct PyBytesObject {
    ob_base: PyVarObject,
    ob_shash: isize,
    pub(crate) ob_sval: [u8; 1],
}

/// Bytes before the first one of the value.
pub const HEAD: usize = std::mem::offset_of!(PyBytesObject, ob_sval);

/// A hash of bytes: never -1, and 0 of nothing.
pub fn hash_bytes(bytes: &[u8]) -> isize {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    if bytes.is_empty() {
        return 0;
    }
    let mut hash = (bytes.len() as u64).wrapping_mul(K);
    let mut mix = |word: u64| hash = (hash ^ word).wrapping_mul(K).rotate_left(29);
    let chunks = bytes.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        mix(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(u64::from_le_bytes(last));
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(K);
    hash ^= hash >> 29;
    if hash as isize == -1 { -2 } else { hash as isize }
}

/// Whether an object is bytes.
pub fn is_bytes(ob: Ob) -> bool {
    has(ob, flag::BYTES)
}

/// The first byte.
#[contract]
pub unsafe fn data(ob: Ob) -> *mut u8 {
    ob.cast::<u8>().add(HEAD)
}

/// The value.
#[contract]
pub unsafe fn slice<'a>(ob: Ob) -> &'a [u8] {
    std::slice::from_raw_parts(data(ob), size_of_var(ob) as usize)
}

/// Room for so many.
#[contract]
pub unsafe fn alloc(size: usize) -> Res<Own> {
    let Some(bytes) = size.checked_add(HEAD + 1) else { return err::no_memory() };
    let ob = spare::alloc(bytes, &raw mut PyBytes_Type);
    let Some(own) = Own::new(ob) else { return err::no_memory() };
    let this = ob.cast::<PyBytesObject>();
    (*this).ob_base.ob_size = size as isize;
    (*this).ob_shash = -1;
    Ok(own)
}

/// A copy.
#[contract]
pub unsafe fn from_slice(bytes: &[u8]) -> Res<Own> {
    let ob = alloc(bytes.len())?;
    data(ob.ob()).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    Ok(ob)
}

#[contract]
unsafe fn check(ob: Ob) -> Res<()> {
    if ob.is_null() || !is_bytes(ob) {
        return err::type_error(&format!("expected bytes, {} found", crate::types::kind_of(ob)));
    }
    Ok(())
}

/// A copy of C's bytes, or room for so many.
#[capi]
pub unsafe fn PyBytes_FromStringAndSize(from: *const c_char, size: isize) -> Res<Own> {
    let Ok(size) = usize::try_from(size) else {
        return err::bad_internal_call("Negative size passed to PyBytes_FromStringAndSize");
    };
    if from.is_null() { alloc(size) } else { from_slice(std::slice::from_raw_parts(from.cast(), size)) }
}

/// A copy of a C string.
#[capi]
pub unsafe fn PyBytes_FromString(from: *const c_char) -> Res<Own> {
    from_slice(CStr::from_ptr(from).to_bytes())
}

/// The number of bytes.
#[capi]
pub unsafe fn PyBytes_Size(ob: Ob) -> Res<isize> {
    check(ob)?;
    Ok(size_of_var(ob))
}

/// The value.
#[capi]
pub unsafe fn PyBytes_AsString(ob: Ob) -> Res<*mut c_char> {
    check(ob)?;
    Ok(data(ob).cast())
}

/// The value and its size.
#[capi]
pub unsafe fn PyBytes_AsStringAndSize(ob: Ob, to: *mut *mut c_char, size: *mut isize) -> Res<()> {
    check(ob)?;
    if size.is_null() {
        if slice(ob).contains(&0) {
            return err::value_error("embedded null byte");
        }
    } else {
        *size = size_of_var(ob);
    }
    *to = data(ob).cast();
    Ok(())
}

/// Bytes of an object that has a buffer, or of an iterable of ints.
#[capi]
pub unsafe fn PyBytes_FromObject(ob: Ob) -> Res<Own> {
    if is_bytes(ob) && ptr::eq(type_of(ob), &raw mut PyBytes_Type) {
        return Ok(Own::share(ob));
    }
    if crate::buffer::PyObject_CheckBuffer(ob) != 0 {
        let view = crate::buffer::View::of(ob, crate::buffer::FULL_RO)?;
        return from_slice(&view.to_vec());
    }
    if has(ob, flag::UNICODE) {
        return err::type_error("cannot convert 'str' object to bytes");
    }
    let mut value = vec![];
    let iterator = crate::iter::PyObject_GetIter(ob)?;
    while let Some(item) = crate::iter::step(iterator.ob())? {
        match u8::try_from(crate::number::PyNumber_AsSsize_t(item.ob(), NULL)?) {
            Ok(byte) => value.push(byte),
            Err(_) => return err::value_error("bytes must be in range(0, 256)"),
        }
    }
    from_slice(&value)
}

/// Gives fresh bytes another size.
#[capi]
pub unsafe fn _PyBytes_Resize(place: *mut Ob, size: isize) -> Res<()> {
    let old = *place;
    let fresh = is_bytes(old) && handfast::raw::PyObject::is_unique(raw_ob(old));
    let Ok(wanted) = usize::try_from(size) else { return err::bad_internal_call("a negative size") };
    if !fresh {
        *place = NULL;
        decref(old);
        return err::bad_internal_call("bytes that others hold cannot be resized");
    }
    let new = alloc(wanted);
    if let Ok(new) = &new {
        data(new.ob()).copy_from_nonoverlapping(data(old), wanted.min(size_of_var(old) as usize));
    }
    decref(old);
    *place = NULL;
    *place = new?.into_raw();
    Ok(())
}

/// Replaces bytes by them and others after them.
#[capi]
pub unsafe fn PyBytes_Concat(place: *mut Ob, more: Ob) {
    if (*place).is_null() {
        return;
    }
    let old = Own::steal(*place);
    *place = NULL;
    if let Ok(new) = concat(old.ob(), more) {
        *place = new.into_raw();
    }
}

/// One after the other.
#[slot]
pub unsafe fn concat(a: Ob, b: Ob) -> Res<Own> {
    let (first, second) =
        (crate::buffer::View::of(a, crate::buffer::SIMPLE)?, crate::buffer::View::of(b, crate::buffer::SIMPLE)?);
    from_slice(&[first.bytes(), second.bytes()].concat())
}

/// The number of bytes, for the slot.
#[slot]
pub unsafe fn bytes_length(ob: Ob) -> isize {
    size_of_var(ob)
}

/// One byte as an int.
#[slot]
pub unsafe fn bytes_item(ob: Ob, at: isize) -> Res<Own> {
    match usize::try_from(at).ok().and_then(|at| slice(ob).get(at)) {
        Some(&byte) => crate::long::PyLong_FromLong(byte.into()),
        None => err::index_error("index out of range"),
    }
}

/// A byte, or a slice.
#[slot]
pub unsafe fn bytes_subscript(ob: Ob, key: Ob) -> Res<Own> {
    if let Some(range) = crate::slice::range_of(key, size_of_var(ob))? {
        let value = slice(ob);
        return from_slice(&range.indices().map(|at| value[at]).collect::<Vec<u8>>());
    }
    let at = crate::number::index_for(key, "byte indices must be integers or slices, not ")?;
    bytes_item(ob, if at < 0 { at + size_of_var(ob) } else { at })
}

/// Compares with other bytes.
#[slot]
pub unsafe fn bytes_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if !is_bytes(a) || !is_bytes(b) {
        return Ok(crate::object::not_implemented());
    }
    Ok(crate::object::bool_of(crate::object::holds(slice(a).cmp(slice(b)), op)))
}

/// The hash of the value.
#[slot]
pub unsafe fn bytes_hash(ob: Ob) -> isize {
    hash_bytes(slice(ob))
}

/// `b'...'`.
#[slot]
pub unsafe fn bytes_repr(ob: Ob) -> Res<Own> {
    crate::unicode::from_str(&crate::text::bytes_repr(slice(ob)))
}

/// `bytes(...)`.
#[slot]
pub unsafe fn bytes_new(ty: Ty, args: Ob, kwargs: Ob) -> Res<Own> {
    if !ptr::eq(ty, &raw mut PyBytes_Type) {
        let of = bytes_new(&raw mut PyBytes_Type, args, kwargs)?;
        let made = crate::types::alloc_instance(ty, size_of_var(of.ob()))?;
        (*made.ob().cast::<PyBytesObject>()).ob_shash = -1;
        data(made.ob()).copy_from_nonoverlapping(data(of.ob()), size_of_var(of.ob()) as usize);
        return Ok(made);
    }
    match crate::tuple::items_of(args) {
        [] => alloc(0),
        [ob] if has(*ob, flag::LONG) => match usize::try_from(crate::number::PyNumber_AsSsize_t(*ob, NULL)?) {
            Ok(size) => alloc(size),
            Err(_) => err::value_error("negative count"),
        },
        [ob] => PyBytes_FromObject(*ob),
        [ob, encoding, ..] => {
            crate::codec::PyUnicode_AsEncodedString(*ob, crate::unicode::PyUnicode_AsUTF8(*encoding)?, ptr::null())
        }
    }
}

/// The buffer of bytes.
#[slot]
pub unsafe fn bytes_getbuffer(ob: Ob, view: *mut Py_buffer, flags: c_int) -> Res<()> {
    crate::buffer::fill(view, ob, data(ob).cast(), size_of_var(ob), true, flags)
}
