//! str: the text in place, one, two or four bytes a character (PEP 393), as C's macros read it.
//!
//! A str has the narrowest kind that fits, so that equal texts have equal bytes. `PyUnicode_New` hands out a str whose
//! characters C writes; nothing but C writes a str, and only before anybody else sees it.
//!
//! The copy in UTF-8 that `PyUnicode_AsUTF8` answers is the text itself if it is ASCII, else memory of its own that the
//! dealloc frees; therefore such a str is never linked light (`cross`).

use crate::answer::Res;
use crate::err;
use crate::layout::{Ob, PyObject, Ty, flag, has, type_of};
use crate::names;
use crate::own::Own;
use crate::spare;
use crate::types::PyUnicode_Type;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, null_mut};

/// A str that is all ASCII: the text follows.
#[repr(C)]
#[derive(Debug)]
pub struct PyASCIIObject {
    ob_base: PyObject,
    pub(crate) length: isize,
    hash: isize,
    /// Bits: interned 0 and 1, kind 2 to 4, compact 5, ascii 6, ready 7.
    pub(crate) state: u32,
}

/// Another str: the text follows.
#[repr(C)]
#[derive(Debug)]
pub struct PyCompactUnicodeObject {
    base: PyASCIIObject,
    utf8_length: isize,
    utf8: *mut c_char,
}

/// A str of a subtype, whose instances have fields of their own: the text is elsewhere, followed by a zero.
#[repr(C)]
#[derive(Debug)]
pub struct PyUnicodeObject {
    base: PyCompactUnicodeObject,
    data: *mut u8,
}

const COMPACT: u32 = 1 << 5;
const ASCII: u32 = 1 << 6;
const READY: u32 = 1 << 7;

#[contract]
unsafe fn head<'a>(ob: Ob) -> &'a mut PyASCIIObject {
    &mut *ob.cast()
}

/// Whether an object is a str.
#[inline]
pub fn is_str(ob: Ob) -> bool {
    has(ob, flag::UNICODE)
}

/// Whether a str is all ASCII.
#[contract]
unsafe fn ascii(ob: Ob) -> bool {
    head(ob).state & ASCII != 0
}

/// Whether a str is all ASCII.
pub fn is_ascii(ob: Ob) -> bool {
    // SAFETY: [X1] the caller's str.
    unsafe { ascii(ob) }
}

/// Bytes of a character: 1, 2 or 4.
#[contract]
pub unsafe fn kind(ob: Ob) -> usize {
    (head(ob).state >> 2 & 7) as usize
}

/// The number of characters.
#[contract]
pub unsafe fn length(ob: Ob) -> usize {
    head(ob).length as usize
}

/// The first character.
#[contract]
pub unsafe fn data(ob: Ob) -> *mut u8 {
    if head(ob).state & COMPACT == 0 {
        return (*ob.cast::<PyUnicodeObject>()).data;
    }
    let head_size = if ascii(ob) { size_of::<PyASCIIObject>() } else { size_of::<PyCompactUnicodeObject>() };
    ob.cast::<u8>().add(head_size)
}

/// The text as bytes.
#[contract]
pub unsafe fn bytes<'a>(ob: Ob) -> &'a [u8] {
    std::slice::from_raw_parts(data(ob), length(ob) * kind(ob))
}

/// A character.
#[contract]
pub unsafe fn read(ob: Ob, at: usize) -> u32 {
    let data = data(ob);
    match kind(ob) {
        1 => u32::from(data.add(at).read()),
        2 => u32::from(data.cast::<u16>().add(at).read()),
        _ => data.cast::<u32>().add(at).read(),
    }
}

#[contract]
unsafe fn write(ob: Ob, at: usize, c: u32) {
    let data = data(ob);
    match kind(ob) {
        1 => data.add(at).write(c as u8),
        2 => data.cast::<u16>().add(at).write(c as u16),
        _ => data.cast::<u32>().add(at).write(c),
    }
}

/// Its characters.
#[contract]
pub unsafe fn points(ob: Ob) -> Vec<u32> {
    let mut points = Vec::with_capacity(length(ob));
    for at in 0..length(ob) {
        points.push(read(ob, at));
    }
    points
}

/// The text; characters that no text may have (lone surrogates) are replaced.
#[contract]
pub unsafe fn to_text(ob: Ob) -> String {
    if ascii(ob) {
        return String::from_utf8_lossy(bytes(ob)).into_owned();
    }
    points(ob).into_iter().map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Whether two have the same text.
#[inline]
#[contract]
pub unsafe fn same(a: Ob, b: Ob) -> bool {
    kind(a) == kind(b) && length(a) == length(b) && bytes(a) == bytes(b)
}

/// The hash of the text.
#[inline]
#[contract]
pub unsafe fn hash(ob: Ob) -> isize {
    let known = head(ob).hash;
    if known != -1 { known } else { hash_slow(ob) }
}

#[contract]
unsafe fn hash_slow(ob: Ob) -> isize {
    let hash = crate::bytes::hash_bytes(bytes(ob));
    head(ob).hash = hash;
    hash
}

/// A str with room for this many characters, the largest of which is `max`.
#[inline]
#[contract]
pub unsafe fn alloc(length: usize, max: u32) -> Res<Own> {
    let (kind, head_size) = match max {
        0..128 => (1, size_of::<PyASCIIObject>()),
        128..256 => (1, size_of::<PyCompactUnicodeObject>()),
        256..0x10000 => (2, size_of::<PyCompactUnicodeObject>()),
        0x10000..0x11_0000 => (4, size_of::<PyCompactUnicodeObject>()),
        _ => return err::bad_internal_call("invalid maximum character passed to PyUnicode_New"),
    };
    let Some(size) = length.checked_add(1).and_then(|n| n.checked_mul(kind)).and_then(|n| n.checked_add(head_size))
    else {
        return err::no_memory();
    };
    let ob = spare::alloc(size, &raw mut PyUnicode_Type);
    let Some(own) = Own::new(ob) else { return err::no_memory() };
    let head = head(ob);
    head.length = length as isize;
    head.hash = -1;
    head.state = READY | COMPACT | (kind as u32) << 2 | if max < 128 { ASCII } else { 0 };
    Ok(own)
}

/// Fills the memory of a str of ASCII.
#[contract]
pub unsafe fn fill_ascii(ob: Ob, text: &[u8]) {
    let head = head(ob);
    (head.length, head.hash, head.state) = (text.len() as isize, -1, READY | COMPACT | 1 << 2 | ASCII);
    data(ob).copy_from_nonoverlapping(text.as_ptr(), text.len());
}

/// A str of these characters.
#[contract]
pub unsafe fn from_points(points: &[u32]) -> Res<Own> {
    let ob = alloc(points.len(), points.iter().copied().max().unwrap_or(0))?;
    for (at, &c) in points.iter().enumerate() {
        write(ob.ob(), at, c);
    }
    Ok(ob)
}

/// A str of a text.
#[contract]
pub unsafe fn from_str(text: &str) -> Res<Own> {
    if text.is_ascii() {
        let ob = alloc(text.len(), 0)?;
        data(ob.ob()).copy_from_nonoverlapping(text.as_ptr(), text.len());
        return Ok(ob);
    }
    let points: Vec<u32> = text.chars().map(u32::from).collect();
    from_points(&points)
}

/// The text as UTF-8, in memory that lives as long as the str, and followed by a zero.
#[contract]
pub unsafe fn utf8<'a>(ob: Ob) -> Res<&'a [u8]> {
    if ascii(ob) {
        return Ok(bytes(ob));
    }
    let this = ob.cast::<PyCompactUnicodeObject>();
    if (*this).utf8.is_null() {
        let encoded = crate::codec::encode_utf8(ob)?;
        let memory = libc::malloc(encoded.len() + 1).cast::<u8>();
        if memory.is_null() {
            return err::no_memory();
        }
        memory.copy_from_nonoverlapping(encoded.as_ptr(), encoded.len());
        memory.add(encoded.len()).write(0);
        (*this).utf8_length = encoded.len() as isize;
        (*this).utf8 = memory.cast();
    }
    Ok(std::slice::from_raw_parts((*this).utf8.cast(), (*this).utf8_length as usize))
}

/// Frees a str.
#[slot]
pub unsafe fn str_dealloc(ob: Ob) {
    if ptr::eq(type_of(ob), &raw mut PyUnicode_Type) && ascii(ob) {
        return spare::free(ob, size_of::<PyASCIIObject>() + length(ob) + 1);
    }
    if !ascii(ob) {
        libc::free((*ob.cast::<PyCompactUnicodeObject>()).utf8.cast());
    }
    if head(ob).state & COMPACT == 0 {
        libc::free((*ob.cast::<PyUnicodeObject>()).data.cast());
    }
    crate::types::free(ob);
}

#[inline]
#[contract]
pub(crate) unsafe fn check(ob: Ob) -> Res<()> {
    if !ob.is_null() && is_str(ob) { Ok(()) } else { not_a_str(ob) }
}

#[cold]
#[contract]
unsafe fn not_a_str(ob: Ob) -> Res<()> {
    err::type_error(&format!("expected str, got {}", crate::types::kind_of(ob)))
}

/// A str that C fills.
#[capi]
pub unsafe fn PyUnicode_New(length: isize, max: u32) -> Res<Own> {
    match usize::try_from(length) {
        Ok(length) => alloc(length, max),
        Err(_) => err::bad_internal_call("Negative size passed to PyUnicode_New"),
    }
}

/// Every str is ready.
#[capi]
pub unsafe fn _PyUnicode_Ready(_: Ob) -> c_int {
    0
}

/// A str of UTF-8.
#[capi]
pub unsafe fn PyUnicode_FromString(text: *const c_char) -> Res<Own> {
    crate::codec::decode_utf8(CStr::from_ptr(text).to_bytes(), "strict")
}

/// A str of UTF-8.
#[capi]
pub unsafe fn PyUnicode_FromStringAndSize(text: *const c_char, size: isize) -> Res<Own> {
    let Ok(size) = usize::try_from(size) else {
        return err::bad_internal_call("Negative size passed to PyUnicode_FromStringAndSize");
    };
    if text.is_null() {
        if size == 0 {
            return alloc(0, 0);
        }
        return err::bad_internal_call(
            "NULL string with positive size with NULL passed to PyUnicode_FromStringAndSize",
        );
    }
    let bytes: &[u8] = std::slice::from_raw_parts(text.cast(), size);
    if bytes.is_ascii() {
        let ob = alloc(size, 0)?;
        data(ob.ob()).copy_from_nonoverlapping(bytes.as_ptr(), size);
        return Ok(ob);
    }
    crate::codec::decode_utf8(bytes, "strict")
}

/// The interned str of a name.
#[capi]
pub unsafe fn PyUnicode_InternFromString(text: *const c_char) -> Res<Own> {
    Ok(names::intern(PyUnicode_FromString(text)?))
}

/// Replaces a str by the interned one.
#[capi]
pub unsafe fn PyUnicode_InternInPlace(place: *mut Ob) {
    if !(*place).is_null() && ptr::eq(type_of(*place), &raw mut PyUnicode_Type) {
        *place = names::intern(Own::steal(*place)).into_raw();
    }
}

/// A str of characters of one kind.
#[capi]
pub unsafe fn PyUnicode_FromKindAndData(kind: c_int, from: *const c_void, size: isize) -> Res<Own> {
    let Ok(size) = usize::try_from(size) else { return err::value_error("size must be positive") };
    let points: Vec<u32> = match kind {
        1 => std::slice::from_raw_parts(from.cast::<u8>(), size).iter().map(|&c| u32::from(c)).collect(),
        2 => std::slice::from_raw_parts(from.cast::<u16>(), size).iter().map(|&c| u32::from(c)).collect(),
        4 => std::slice::from_raw_parts(from.cast::<u32>(), size).to_vec(),
        _ => return err::bad_internal_call("invalid kind"),
    };
    from_points(&points)
}

/// A str of one character.
#[capi]
pub unsafe fn PyUnicode_FromOrdinal(c: c_int) -> Res<Own> {
    match u32::try_from(c) {
        Ok(c @ 0..0x11_0000) => from_points(&[c]),
        _ => err::value_error("chr() arg not in range(0x110000)"),
    }
}

/// The number of characters.
#[capi]
pub unsafe fn PyUnicode_GetLength(ob: Ob) -> Res<isize> {
    check(ob)?;
    Ok(length(ob) as isize)
}

/// A character.
#[capi]
pub unsafe fn PyUnicode_ReadChar(ob: Ob, at: isize) -> Res<u32> {
    check(ob)?;
    match usize::try_from(at) {
        Ok(at) if at < length(ob) => Ok(read(ob, at)),
        _ => err::index_error("string index out of range"),
    }
}

/// Writes a character of a str that nobody else has seen.
#[capi]
pub unsafe fn PyUnicode_WriteChar(ob: Ob, at: isize, c: u32) -> Res<()> {
    check(ob)?;
    match usize::try_from(at) {
        Ok(at) if at < length(ob) => write(ob, at, c),
        _ => return err::index_error("string index out of range"),
    }
    Ok(())
}

/// The text as UTF-8; its length goes to `*size`.
#[capi]
pub unsafe fn PyUnicode_AsUTF8AndSize(ob: Ob, size: *mut isize) -> Res<*const c_char> {
    check(ob)?;
    let text = utf8(ob)?;
    if !size.is_null() {
        *size = text.len() as isize;
    }
    Ok(text.as_ptr().cast())
}

/// The text as UTF-8.
#[capi]
pub unsafe fn PyUnicode_AsUTF8(ob: Ob) -> Res<*const c_char> {
    PyUnicode_AsUTF8AndSize(ob, null_mut())
}

/// Compares with ASCII: -1, 0 or 1.
#[capi]
pub unsafe fn PyUnicode_CompareWithASCIIString(ob: Ob, text: *const c_char) -> c_int {
    let text = CStr::from_ptr(text).to_bytes();
    let mine = (0..length(ob)).map(|at| read(ob, at));
    mine.cmp(text.iter().map(|&c| u32::from(c))) as c_int
}

/// Compares two: -1, 0 or 1.
#[capi]
pub unsafe fn PyUnicode_Compare(a: Ob, b: Ob) -> Res<c_int> {
    check(a)?;
    check(b)?;
    Ok(order(a, b) as c_int)
}

/// The order of two by their characters.
#[contract]
pub unsafe fn order(a: Ob, b: Ob) -> std::cmp::Ordering {
    if kind(a) == 1 && kind(b) == 1 {
        return bytes(a).cmp(bytes(b));
    }
    (0..length(a)).map(|at| read(a, at)).cmp((0..length(b)).map(|at| read(b, at)))
}

/// One after the other.
#[capi]
pub unsafe fn PyUnicode_Concat(a: Ob, b: Ob) -> Res<Own> {
    if !is_str(a) || !is_str(b) {
        let other = if is_str(a) { b } else { a };
        return err::type_error(&format!("can only concatenate str (not \"{}\") to str", crate::types::kind_of(other)));
    }
    let mut all = points(a);
    all.extend(points(b));
    from_points(&all)
}

/// Characters `start..end`.
#[capi]
pub unsafe fn PyUnicode_Substring(ob: Ob, start: isize, end: isize) -> Res<Own> {
    check(ob)?;
    if start < 0 || end < 0 {
        return err::index_error("string index out of range");
    }
    let end = (end as usize).min(length(ob));
    let start = (start as usize).min(end);
    let part: Vec<u32> = (start..end).map(|at| read(ob, at)).collect();
    from_points(&part)
}

/// Whether a str contains another.
#[capi]
pub unsafe fn PyUnicode_Contains(ob: Ob, part: Ob) -> Res<bool> {
    check(ob)?;
    if !is_str(part) {
        let kind = crate::types::kind_of(part);
        return err::type_error(&format!("'in <string>' requires string as left operand, not {kind}"));
    }
    let (all, part) = (points(ob), points(part));
    Ok(part.is_empty() || all.windows(part.len()).any(|w| w == part))
}

/// A str as it is, or a copy of a subtype's.
#[capi]
pub unsafe fn PyUnicode_FromObject(ob: Ob) -> Res<Own> {
    check(ob)?;
    if ptr::eq(type_of(ob), &raw mut PyUnicode_Type) {
        return Ok(Own::share(ob));
    }
    from_points(&points(ob))
}

/// A str of a subtype, with the text of a str.
#[contract]
unsafe fn of_subtype(ty: Ty, text: Ob) -> Res<Own> {
    let size = length(text) * kind(text);
    let copy = libc::malloc(size + 4).cast::<u8>();
    if copy.is_null() {
        return err::no_memory();
    }
    copy.copy_from_nonoverlapping(data(text), size);
    copy.add(size).write_bytes(0, 4);
    let made = crate::type_alloc::new_instance(ty);
    let Ok(made) = made else {
        libc::free(copy.cast());
        return made;
    };
    let new = head(made.ob());
    (new.length, new.hash, new.state) = (head(text).length, -1, head(text).state & !COMPACT);
    (*made.ob().cast::<PyUnicodeObject>()).data = copy;
    Ok(made)
}

/// `str(object)`.
#[slot]
pub unsafe fn str_new(ty: Ty, args: Ob, kwargs: Ob) -> Res<Own> {
    if !ptr::eq(ty, &raw mut PyUnicode_Type) {
        return of_subtype(ty, str_new(&raw mut PyUnicode_Type, args, kwargs)?.ob());
    }
    match crate::tuple::items_of(args) {
        [] => alloc(0, 0),
        [ob] => crate::object::PyObject_Str(*ob),
        [ob, encoding, ..] => {
            check(*encoding)?;
            crate::codec::PyUnicode_FromEncodedObject(*ob, PyUnicode_AsUTF8(*encoding)?, ptr::null())
        }
    }
}
