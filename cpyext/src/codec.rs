//! Encodings: UTF-8, ASCII and Latin-1, with the error handlers strict, ignore and replace.

use crate::answer::Res;
use crate::bytes;
use crate::err;
use crate::exc;
use crate::layout::{Ob, flag, has};
use crate::own::Own;
use crate::unicode::{self, check};
use handfast_cpyext_macros::{capi, contract};
use std::ffi::{CStr, c_char};

#[contract]
unsafe fn text_or<'a>(text: *const c_char, default: &'a str) -> &'a str {
    if text.is_null() { default } else { CStr::from_ptr(text).to_str().unwrap_or(default) }
}

/// A str of UTF-8.
#[contract]
pub unsafe fn decode_utf8(bytes: &[u8], errors: &str) -> Res<Own> {
    match (std::str::from_utf8(bytes), errors) {
        (Ok(text), _) => unicode::from_str(text),
        (Err(_), "replace") => unicode::from_str(&String::from_utf8_lossy(bytes)),
        (Err(_), "ignore") => {
            let text: String = bytes.utf8_chunks().map(|chunk| chunk.valid()).collect();
            unicode::from_str(&text)
        }
        (Err(error), _) => {
            let at = error.valid_up_to();
            let why = if error.error_len().is_none() { "unexpected end of data" } else { "invalid start byte" };
            err::raise(
                exc::PyExc_UnicodeDecodeError,
                &format!("'utf-8' codec can't decode byte 0x{:02x} in position {at}: {why}", bytes[at]),
            )
        }
    }
}

/// UTF-8 of a str.
#[contract]
pub unsafe fn encode_utf8(ob: Ob) -> Res<Vec<u8>> {
    let mut encoded = Vec::with_capacity(unicode::length(ob));
    for (at, c) in unicode::points(ob).into_iter().enumerate() {
        let Some(c) = char::from_u32(c) else {
            return err::raise(
                exc::PyExc_UnicodeEncodeError,
                &format!("'utf-8' codec can't encode character '\\u{c:04x}' in position {at}: surrogates not allowed"),
            );
        };
        encoded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(encoded)
}

#[contract]
unsafe fn encode(ob: Ob, encoding: &str, errors: &str) -> Res<Own> {
    check(ob)?;
    let (limit, range) = match encoding.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => return bytes::from_slice(unicode::utf8(ob)?),
        "ascii" | "us-ascii" => (128, 128),
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => (256, 256),
        _ => return err::raise(exc::PyExc_LookupError, &format!("unknown encoding: {encoding}")),
    };
    let mut encoded = vec![];
    for (at, c) in unicode::points(ob).into_iter().enumerate() {
        match (c < limit, errors) {
            (true, _) => encoded.push(c as u8),
            (false, "ignore") => {}
            (false, "replace") => encoded.push(b'?'),
            _ => {
                let c = char::from_u32(c).map_or_else(|| format!("\\u{c:04x}"), |c| c.escape_unicode().to_string());
                let text = format!(
                    "'{encoding}' codec can't encode character '{c}' in position {at}: ordinal not in range({range})"
                );
                return err::raise(exc::PyExc_UnicodeEncodeError, &text);
            }
        }
    }
    bytes::from_slice(&encoded)
}

#[contract]
unsafe fn decode(bytes: &[u8], encoding: &str, errors: &str) -> Res<Own> {
    match encoding.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => decode_utf8(bytes, errors),
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => {
            unicode::from_points(&bytes.iter().map(|&c| u32::from(c)).collect::<Vec<_>>())
        }
        "ascii" | "us-ascii" => {
            let mut points = vec![];
            for (at, &c) in bytes.iter().enumerate() {
                match (c < 128, errors) {
                    (true, _) => points.push(u32::from(c)),
                    (false, "ignore") => {}
                    (false, "replace") => points.push(0xfffd),
                    _ => {
                        let text = format!(
                            "'ascii' codec can't decode byte 0x{c:02x} in position {at}: ordinal not in range(128)"
                        );
                        return err::raise(exc::PyExc_UnicodeDecodeError, &text);
                    }
                }
            }
            unicode::from_points(&points)
        }
        _ => err::raise(exc::PyExc_LookupError, &format!("unknown encoding: {encoding}")),
    }
}

/// The bytes of a str in an encoding (UTF-8 when NULL).
#[capi]
pub unsafe fn PyUnicode_AsEncodedString(ob: Ob, encoding: *const c_char, errors: *const c_char) -> Res<Own> {
    encode(ob, text_or(encoding, "utf-8"), text_or(errors, "strict"))
}

/// The bytes of a str in UTF-8.
#[capi]
pub unsafe fn PyUnicode_AsUTF8String(ob: Ob) -> Res<Own> {
    encode(ob, "utf-8", "strict")
}

/// The bytes of a str in ASCII.
#[capi]
pub unsafe fn PyUnicode_AsASCIIString(ob: Ob) -> Res<Own> {
    encode(ob, "ascii", "strict")
}

/// The bytes of a str in Latin-1.
#[capi]
pub unsafe fn PyUnicode_AsLatin1String(ob: Ob) -> Res<Own> {
    encode(ob, "latin-1", "strict")
}

/// A str of bytes in an encoding (UTF-8 when NULL).
#[capi]
pub unsafe fn PyUnicode_Decode(
    from: *const c_char,
    size: isize,
    encoding: *const c_char,
    errors: *const c_char,
) -> Res<Own> {
    decode(
        std::slice::from_raw_parts(from.cast(), size as usize),
        text_or(encoding, "utf-8"),
        text_or(errors, "strict"),
    )
}

/// A str of UTF-8.
#[capi]
pub unsafe fn PyUnicode_DecodeUTF8(from: *const c_char, size: isize, errors: *const c_char) -> Res<Own> {
    decode(std::slice::from_raw_parts(from.cast(), size as usize), "utf-8", text_or(errors, "strict"))
}

/// A str of ASCII.
#[capi]
pub unsafe fn PyUnicode_DecodeASCII(from: *const c_char, size: isize, errors: *const c_char) -> Res<Own> {
    decode(std::slice::from_raw_parts(from.cast(), size as usize), "ascii", text_or(errors, "strict"))
}

/// A str of Latin-1.
#[capi]
pub unsafe fn PyUnicode_DecodeLatin1(from: *const c_char, size: isize, _errors: *const c_char) -> Res<Own> {
    decode(std::slice::from_raw_parts(from.cast(), size as usize), "latin-1", "strict")
}

/// A str of an object with a buffer.
#[capi]
pub unsafe fn PyUnicode_FromEncodedObject(ob: Ob, encoding: *const c_char, errors: *const c_char) -> Res<Own> {
    if has(ob, flag::UNICODE) {
        return err::type_error("decoding str is not supported");
    }
    let view = crate::buffer::View::of(ob, crate::buffer::SIMPLE)?;
    decode(view.bytes(), text_or(encoding, "utf-8"), text_or(errors, "strict"))
}

/// A name of the file system's: UTF-8, and what is not becomes lone surrogates, one for each byte.
#[capi]
pub unsafe fn PyUnicode_DecodeFSDefaultAndSize(from: *const c_char, size: isize) -> Res<Own> {
    let bytes = std::slice::from_raw_parts(from.cast::<u8>(), size as usize);
    let mut all = vec![];
    for chunk in bytes.utf8_chunks() {
        all.extend(chunk.valid().chars().map(u32::from));
        all.extend(chunk.invalid().iter().map(|&byte| 0xdc00 + u32::from(byte)));
    }
    crate::unicode::from_points(&all)
}
