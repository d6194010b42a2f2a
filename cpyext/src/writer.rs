//! `_PyUnicodeWriter`: a str that is written piece by piece. C has the struct; the text is a `Vec` of code points behind
//! it, so that the kind of the str is known at the end.

use crate::answer::Res;
use crate::layout::Ob;
use crate::own::Own;
use crate::unicode;
use handfast_cpyext_macros::{capi, contract};
use std::ffi::c_char;
use std::ptr::null_mut;

/// C's struct. What it says beside the text is advice.
#[repr(C)]
#[derive(Debug)]
pub struct Writer {
    text: *mut Vec<u32>,
    min_length: isize,
    min_char: u32,
    overallocate: u8,
}

#[contract]
unsafe fn text<'a>(writer: *mut Writer) -> &'a mut Vec<u32> {
    if (*writer).text.is_null() {
        (*writer).text = Box::into_raw(Box::default());
    }
    &mut *(*writer).text
}

/// Nothing is written yet.
#[capi]
pub unsafe fn _PyUnicodeWriter_Init(writer: *mut Writer) {
    writer.write(Writer { text: null_mut(), min_length: 0, min_char: 0, overallocate: 0 });
}

/// Appends a character.
#[capi]
pub unsafe fn _PyUnicodeWriter_WriteChar(writer: *mut Writer, c: u32) -> Res<()> {
    if c > 0x10_ffff {
        return crate::err::value_error("character must be in range(0x110000)");
    }
    text(writer).push(c);
    Ok(())
}

/// Appends a str.
#[capi]
pub unsafe fn _PyUnicodeWriter_WriteStr(writer: *mut Writer, ob: Ob) -> Res<()> {
    unicode::check(ob)?;
    text(writer).extend(unicode::points(ob));
    Ok(())
}

/// Appends part of a str.
#[capi]
pub unsafe fn _PyUnicodeWriter_WriteSubstring(writer: *mut Writer, ob: Ob, start: isize, end: isize) -> Res<()> {
    unicode::check(ob)?;
    let part = crate::row::clamp(start, end, unicode::length(ob));
    text(writer).extend(&unicode::points(ob)[part]);
    Ok(())
}

/// Appends ASCII text, of this length or (-1) to its zero.
#[capi]
pub unsafe fn _PyUnicodeWriter_WriteASCIIString(writer: *mut Writer, ascii: *const c_char, length: isize) -> Res<()> {
    let bytes = match usize::try_from(length) {
        Ok(length) => std::slice::from_raw_parts(ascii.cast::<u8>(), length),
        Err(_) => std::ffi::CStr::from_ptr(ascii).to_bytes(),
    };
    text(writer).extend(bytes.iter().map(|&c| u32::from(c)));
    Ok(())
}

/// The str; the writer is empty again.
#[capi]
pub unsafe fn _PyUnicodeWriter_Finish(writer: *mut Writer) -> Res<Own> {
    let made = unicode::from_points(text(writer));
    _PyUnicodeWriter_Dealloc(writer);
    made
}

/// Forgets what was written.
#[capi]
pub unsafe fn _PyUnicodeWriter_Dealloc(writer: *mut Writer) {
    let text = std::mem::replace(&mut (*writer).text, null_mut());
    if !text.is_null() {
        drop(Box::from_raw(text));
    }
}
