//! str: slots and methods.

use crate::answer::Res;
use crate::err;
use crate::layout::{Ob, PyCFunction, PyMethodDef};
use crate::object::{EQ, NE, bool_of, holds, not_implemented};
use crate::own::Own;
use crate::tuple::items_of;
use crate::unicode::{self, from_points, is_str, length, points, read};
use handfast_cpyext_macros::slot;
use std::ffi::{CStr, c_int};
use std::ptr::{self, null};

/// `repr(str)`
#[slot]
pub unsafe fn str_repr(ob: Ob) -> Res<Own> {
    unicode::from_str(&crate::text::str_repr(points(ob).into_iter()))
}

/// `hash(str)`
#[slot]
pub unsafe fn str_hash(ob: Ob) -> isize {
    unicode::hash(ob)
}

/// Compares with another str.
#[slot]
pub unsafe fn str_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if !is_str(a) || !is_str(b) {
        return Ok(not_implemented());
    }
    if op == EQ || op == NE {
        return Ok(bool_of((ptr::eq(a, b) || unicode::same(a, b)) == (op == EQ)));
    }
    Ok(bool_of(holds(unicode::order(a, b), op)))
}

/// Compares two.
#[handfast_cpyext_macros::capi]
pub unsafe fn PyUnicode_RichCompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    str_richcompare(a, b, op)
}

/// `len(str)`
#[slot]
pub unsafe fn str_length(ob: Ob) -> isize {
    length(ob) as isize
}

/// `+`
#[slot]
pub unsafe fn str_concat(a: Ob, b: Ob) -> Res<Own> {
    unicode::PyUnicode_Concat(a, b)
}

/// `*`
#[slot]
pub unsafe fn str_repeat(ob: Ob, times: isize) -> Res<Own> {
    from_points(&points(ob).repeat(times.max(0) as usize))
}

/// A character.
#[slot]
pub unsafe fn str_item(ob: Ob, at: isize) -> Res<Own> {
    match usize::try_from(at) {
        Ok(at) if at < length(ob) => from_points(&[read(ob, at)]),
        _ => err::index_error("string index out of range"),
    }
}

/// A character, or a slice.
#[slot]
pub unsafe fn str_subscript(ob: Ob, key: Ob) -> Res<Own> {
    let size = length(ob) as isize;
    if let Some(range) = crate::slice::range_of(key, size)? {
        return from_points(&range.indices().map(|at| read(ob, at)).collect::<Vec<u32>>());
    }
    let at = crate::number::index_for(key, "string indices must be integers, not ")?;
    str_item(ob, if at < 0 { at + size } else { at })
}

/// `in`
#[slot]
pub unsafe fn str_contains(ob: Ob, part: Ob) -> Res<bool> {
    unicode::PyUnicode_Contains(ob, part)
}

/// The items of a sequence with a separator between.
#[handfast_cpyext_macros::capi]
pub unsafe fn PyUnicode_Join(separator: Ob, sequence: Ob) -> Res<Own> {
    unicode::check(separator)?;
    let items = crate::sequence::PySequence_Fast(sequence, c"can only join an iterable".as_ptr())?;
    let mut all = vec![];
    for (i, &item) in crate::sequence::fast_items(items.ob()).iter().enumerate() {
        if !is_str(item) {
            let kind = crate::types::kind_of(item);
            return err::type_error(&format!("sequence item {i}: expected str instance, {kind} found"));
        }
        if i > 0 {
            all.extend(points(separator));
        }
        all.extend(points(item));
    }
    from_points(&all)
}

#[slot]
unsafe fn m_upper(ob: Ob, _: Ob) -> Res<Own> {
    unicode::from_str(&unicode::to_text(ob).to_uppercase())
}

#[slot]
unsafe fn m_lower(ob: Ob, _: Ob) -> Res<Own> {
    unicode::from_str(&unicode::to_text(ob).to_lowercase())
}

#[slot]
unsafe fn m_encode(ob: Ob, args: Ob) -> Res<Own> {
    let mut parts = [null(); 2];
    for (part, &arg) in parts.iter_mut().zip(items_of(args)) {
        *part = unicode::PyUnicode_AsUTF8(arg)?;
    }
    crate::codec::PyUnicode_AsEncodedString(ob, parts[0], parts[1])
}

#[slot]
unsafe fn m_join(ob: Ob, items: Ob) -> Res<Own> {
    PyUnicode_Join(ob, items)
}

#[slot]
unsafe fn m_startswith(ob: Ob, prefix: Ob) -> Res<Own> {
    unicode::check(prefix)?;
    Ok(bool_of(points(ob).starts_with(&points(prefix))))
}

const fn method(name: &'static CStr, function: PyCFunction, flags: c_int) -> PyMethodDef {
    PyMethodDef { ml_name: name.as_ptr(), ml_meth: Some(function), ml_flags: flags, ml_doc: null() }
}

static mut METHODS: [PyMethodDef; 6] = [
    method(c"upper", c_m_upper, 4),
    method(c"lower", c_m_lower, 4),
    method(c"encode", c_m_encode, 1),
    method(c"join", c_m_join, 8),
    method(c"startswith", c_m_startswith, 8),
    PyMethodDef { ml_name: null(), ml_meth: None, ml_flags: 0, ml_doc: null() },
];

/// The methods of str.
pub const fn methods() -> *mut PyMethodDef {
    (&raw mut METHODS).cast()
}

/// Whether a part of a str begins (or, with a positive direction, ends) with another one.
#[handfast_cpyext_macros::capi]
pub unsafe fn PyUnicode_Tailmatch(ob: Ob, part: Ob, start: isize, end: isize, direction: c_int) -> Res<isize> {
    unicode::check(ob)?;
    unicode::check(part)?;
    let (all, part) = (points(ob), points(part));
    let length = all.len() as isize;
    let within = |at: isize| if at < 0 { (at + length).max(0) } else { at.min(length) };
    let (start, end) = (if start > length { return Ok(0) } else { within(start) }, within(end));
    if start > end {
        return Ok(0);
    }
    let all = &all[start as usize..end as usize];
    Ok(isize::from(if direction > 0 { all.ends_with(&part) } else { all.starts_with(&part) }))
}
