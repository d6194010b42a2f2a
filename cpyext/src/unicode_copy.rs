//! str from and to arrays of code points: UCS-4, and `wchar_t`, which is the same here.

use crate::answer::Res;
use crate::err;
use crate::layout::Ob;
use crate::own::Own;
use crate::unicode::{self, from_points, points};
use handfast_cpyext_macros::capi;
use std::ffi::{CStr, c_char, c_int};

const _: () = assert!(size_of::<libc::wchar_t>() == 4);

/// Copies the code points to memory for `size` of them; with a zero behind if `copy_null`.
#[capi]
pub unsafe fn PyUnicode_AsUCS4(ob: Ob, to: *mut u32, size: isize, copy_null: c_int) -> Res<*mut u32> {
    unicode::check(ob)?;
    let mut all = points(ob);
    if copy_null != 0 {
        all.push(0);
    }
    if to.is_null() || size < all.len() as isize {
        return err::bad_internal_call("string is longer than the buffer");
    }
    to.copy_from_nonoverlapping(all.as_ptr(), all.len());
    Ok(to)
}

/// The code points and a zero, in memory that the caller frees (`PyMem_Free`).
#[capi]
pub unsafe fn PyUnicode_AsUCS4Copy(ob: Ob) -> Res<*mut u32> {
    unicode::check(ob)?;
    let mut all = points(ob);
    all.push(0);
    let to: *mut u32 = libc::malloc(4 * all.len()).cast();
    if to.is_null() {
        return err::no_memory();
    }
    to.copy_from_nonoverlapping(all.as_ptr(), all.len());
    Ok(to)
}

/// Copies at most `size` characters, and the zero if there is room; how many without the zero. With NULL, how many are
/// needed with it.
#[capi]
pub unsafe fn PyUnicode_AsWideChar(ob: Ob, to: *mut libc::wchar_t, size: isize) -> Res<isize> {
    unicode::check(ob)?;
    let mut all = points(ob);
    let length = all.len();
    all.push(0);
    if to.is_null() {
        return Ok(all.len() as isize);
    }
    let copied = all.len().min(size.max(0) as usize);
    to.cast::<u32>().copy_from_nonoverlapping(all.as_ptr(), copied);
    Ok(copied.min(length) as isize)
}

/// The characters and a zero, in memory that the caller frees (`PyMem_Free`). Without a place for the size, a zero among
/// the characters is an error.
#[capi]
pub unsafe fn PyUnicode_AsWideCharString(ob: Ob, size: *mut isize) -> Res<*mut libc::wchar_t> {
    unicode::check(ob)?;
    if size.is_null() && points(ob).contains(&0) {
        return err::value_error("embedded null character");
    }
    let all = PyUnicode_AsUCS4Copy(ob)?;
    if !size.is_null() {
        *size = unicode::length(ob) as isize;
    }
    Ok(all.cast())
}

/// A str of so many characters; of all up to the zero with a size of -1.
#[capi]
pub unsafe fn PyUnicode_FromWideChar(from: *const libc::wchar_t, size: isize) -> Res<Own> {
    if from.is_null() && size != 0 {
        return err::bad_internal_call("bad argument to internal function");
    }
    let size = if size < 0 { (0..).take_while(|&at| from.add(at).read() != 0).count() } else { size as usize };
    if size == 0 {
        return from_points(&[]);
    }
    let all = std::slice::from_raw_parts(from.cast::<u32>(), size);
    if all.iter().any(|&point| point > 0x10_ffff) {
        return err::value_error("character is not in range [U+0000; U+10ffff]");
    }
    from_points(all)
}

/// Where a character is between two positions: the first, or with a negative direction the last; -1 when it is not there.
#[capi]
pub unsafe fn PyUnicode_FindChar(ob: Ob, character: u32, start: isize, end: isize, direction: c_int) -> Res<isize> {
    if unicode::check(ob).is_err() {
        return Ok(-2);
    }
    let all = points(ob);
    let length = all.len() as isize;
    let within = |at: isize| if at < 0 { (at + length).max(0) } else { at.min(length) };
    let (start, end) = (within(start), within(end));
    if start >= end {
        return Ok(-1);
    }
    let part = &all[start as usize..end as usize];
    let wanted = |&point: &u32| point == character;
    let found = if direction > 0 { part.iter().position(wanted) } else { part.iter().rposition(wanted) };
    Ok(found.map_or(-1, |at| at as isize + start))
}

/// A name of the file system's, up to the zero.
#[capi]
pub unsafe fn PyUnicode_DecodeFSDefault(from: *const c_char) -> Res<Own> {
    crate::codec::PyUnicode_DecodeFSDefaultAndSize(from, CStr::from_ptr(from).count_bytes() as isize)
}

/// `utf-8`
#[capi]
pub unsafe fn PyUnicode_GetDefaultEncoding() -> *const c_char {
    c"utf-8".as_ptr()
}

/// An int of the digits of a str.
#[capi]
pub unsafe fn PyLong_FromUnicodeObject(ob: Ob, base: c_int) -> Res<Own> {
    unicode::check(ob)?;
    crate::long::parse(&unicode::to_text(ob), base)
}
