//! bytearray: bytes that may change, in memory of their own.

use crate::answer::Res;
use crate::err;
use crate::exc;
use crate::layout::{Ob, Py_buffer, PyVarObject, flag, has};
use crate::object::{bool_of, holds, not_implemented};
use crate::own::Own;
use crate::types::PyByteArray_Type;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{c_char, c_int};

/// A bytearray.
#[repr(C)]
#[derive(Debug)]
pub struct PyByteArrayObject {
    ob_base: PyVarObject,
    ob_alloc: isize,
    ob_bytes: *mut u8,
    ob_start: *mut u8,
    ob_exports: isize,
}

#[contract]
unsafe fn head<'a>(ob: Ob) -> &'a mut PyByteArrayObject {
    &mut *ob.cast()
}

#[contract]
unsafe fn slice<'a>(ob: Ob) -> &'a [u8] {
    let this = head(ob);
    if this.ob_base.ob_size == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(this.ob_start, this.ob_base.ob_size as usize)
    }
}

#[contract]
unsafe fn resize(ob: Ob, size: usize) -> Res<()> {
    let this = head(ob);
    if this.ob_exports > 0 && size as isize != this.ob_base.ob_size {
        return err::raise(exc::PyExc_BufferError, "Existing exports of data: object cannot be re-sized");
    }
    let bytes: *mut u8 = libc::realloc(this.ob_bytes.cast(), size.saturating_add(1)).cast();
    if bytes.is_null() {
        return err::no_memory();
    }
    bytes.add(size).write(0);
    (this.ob_bytes, this.ob_start, this.ob_alloc) = (bytes, bytes, size as isize + 1);
    this.ob_base.ob_size = size as isize;
    Ok(())
}

#[contract]
unsafe fn from_slice(bytes: &[u8]) -> Res<Own> {
    let ob = crate::types::alloc_instance(&raw mut PyByteArray_Type, 0)?;
    resize(ob.ob(), bytes.len())?;
    head(ob.ob()).ob_start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    Ok(ob)
}

/// A bytearray of C's bytes.
#[capi]
pub unsafe fn PyByteArray_FromStringAndSize(from: *const c_char, size: isize) -> Res<Own> {
    let Ok(size) = usize::try_from(size) else { return err::bad_internal_call("a negative size") };
    if from.is_null() { from_slice(&vec![0; size]) } else { from_slice(std::slice::from_raw_parts(from.cast(), size)) }
}

/// A bytearray of an object's bytes.
#[capi]
pub unsafe fn PyByteArray_FromObject(ob: Ob) -> Res<Own> {
    let view = crate::buffer::View::of(ob, crate::buffer::FULL_RO)?;
    from_slice(&view.to_vec())
}

/// The number of bytes.
#[capi]
pub unsafe fn PyByteArray_Size(ob: Ob) -> isize {
    head(ob).ob_base.ob_size
}

/// The bytes.
#[capi]
pub unsafe fn PyByteArray_AsString(ob: Ob) -> *mut c_char {
    if head(ob).ob_start.is_null() { c"".as_ptr().cast_mut() } else { head(ob).ob_start.cast() }
}

/// Gives it another size.
#[capi]
pub unsafe fn PyByteArray_Resize(ob: Ob, size: isize) -> Res<()> {
    match usize::try_from(size) {
        Ok(size) => resize(ob, size),
        Err(_) => err::bad_internal_call("a negative size"),
    }
}

/// Frees a bytearray.
#[slot]
pub unsafe fn dealloc(ob: Ob) {
    libc::free(head(ob).ob_bytes.cast());
    crate::types::free(ob);
}

/// `bytearray(...)`
#[slot]
pub unsafe fn init(ob: Ob, args: Ob, _kwargs: Ob) -> Res<()> {
    let value = match crate::tuple::items_of(args) {
        [] => vec![],
        [from] if has(*from, flag::LONG) => {
            let Ok(size) = usize::try_from(crate::number::PyNumber_AsSsize_t(*from, crate::exc::PyExc_OverflowError)?)
            else {
                return err::value_error("negative count");
            };
            vec![0; size]
        }
        [from] if has(*from, flag::UNICODE) => return err::type_error("string argument without an encoding"),
        [from] => crate::bytes::slice(crate::bytes::PyBytes_FromObject(*from)?.ob()).to_vec(),
        [from, encoding, ..] => {
            let encoding = crate::unicode::PyUnicode_AsUTF8(*encoding)?;
            let encoded = crate::codec::PyUnicode_AsEncodedString(*from, encoding, std::ptr::null())?;
            crate::bytes::slice(encoded.ob()).to_vec()
        }
    };
    resize(ob, value.len())?;
    head(ob).ob_start.copy_from_nonoverlapping(value.as_ptr(), value.len());
    Ok(())
}

/// The number of bytes, for the slot.
#[slot]
pub unsafe fn length(ob: Ob) -> isize {
    head(ob).ob_base.ob_size
}

/// One byte as an int.
#[slot]
pub unsafe fn item(ob: Ob, at: isize) -> Res<Own> {
    match usize::try_from(at).ok().and_then(|at| slice(ob).get(at)) {
        Some(&byte) => crate::long::from_i64(byte.into()),
        None => err::index_error("bytearray index out of range"),
    }
}

/// A byte, or a slice.
#[slot]
pub unsafe fn subscript(ob: Ob, key: Ob) -> Res<Own> {
    if let Some(range) = crate::slice::range_of(key, length(ob))? {
        let value = slice(ob);
        return from_slice(&range.indices().map(|at| value[at]).collect::<Vec<u8>>());
    }
    let at = crate::number::index_for(key, "bytearray indices must be integers or slices, not ")?;
    item(ob, if at < 0 { at + length(ob) } else { at })
}

/// Compares with anything that has bytes.
#[slot]
pub unsafe fn richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if crate::buffer::PyObject_CheckBuffer(a) == 0 || crate::buffer::PyObject_CheckBuffer(b) == 0 {
        return Ok(not_implemented());
    }
    let (mine, other) = (crate::buffer::View::of(a, 0)?, crate::buffer::View::of(b, 0)?);
    Ok(bool_of(holds(mine.bytes().cmp(other.bytes()), op)))
}

/// `bytearray(b'...')`
#[slot]
pub unsafe fn repr(ob: Ob) -> Res<Own> {
    crate::unicode::from_str(&format!("bytearray({})", crate::text::bytes_repr(slice(ob))))
}

/// The buffer: while somebody has it the size stays.
#[slot]
pub unsafe fn getbuffer(ob: Ob, view: *mut Py_buffer, flags: c_int) -> Res<()> {
    crate::buffer::fill(view, ob, PyByteArray_AsString(ob).cast(), length(ob), false, flags)?;
    head(ob).ob_exports += 1;
    Ok(())
}

/// One fewer has it.
#[slot]
pub unsafe fn releasebuffer(ob: Ob, _view: *mut Py_buffer) {
    head(ob).ob_exports -= 1;
}
