//! What tuple and list have in common: rows of items.

use crate::answer::Res;
use crate::err;
use crate::layout::{Ob, visitproc};
use crate::object::{EQ, NE, PyObject_RichCompare, PyObject_RichCompareBool, ReprGuard, bool_of, holds};
use crate::own::Own;
use crate::unicode;
use handfast_cpyext_macros::contract;
use std::ffi::{c_int, c_void};
use std::ops::Range;

/// The items, held: what is called with one may change the row.
#[contract]
pub unsafe fn held(items: &[Ob]) -> Vec<Own> {
    items.iter().map(|&item| Own::share(item)).collect()
}

/// An item, borrowed.
#[inline]
#[contract]
pub unsafe fn item(items: &[Ob], at: isize, of: &str) -> Res<Ob> {
    // A negative one is above every length.
    match items.get(at as usize) {
        Some(&item) => Ok(item),
        None => out_of_range(of),
    }
}

#[cold]
#[inline(never)]
fn out_of_range(of: &str) -> Res<Ob> {
    err::index_error(&format!("{of} index out of range"))
}

/// `start..end` within a length.
pub fn clamp(start: isize, end: isize, length: usize) -> Range<usize> {
    let end = end.clamp(0, length as isize) as usize;
    (start.max(0) as usize).min(end)..end
}

/// The position that a key says, which may be counted from the end.
#[contract]
pub unsafe fn position(key: Ob, length: usize, of: &str) -> Res<isize> {
    let at = crate::number::index_for(key, &format!("{of} indices must be integers or slices, not "))?;
    Ok(if at < 0 { at + length as isize } else { at })
}

/// Visits the items.
#[contract]
pub unsafe fn traverse(items: &[Ob], visit: visitproc, arg: *mut c_void) -> c_int {
    for &item in items {
        if !item.is_null() {
            let answer = visit(item, arg);
            if answer != 0 {
                return answer;
            }
        }
    }
    0
}

/// Whether an item is equal to an object.
#[contract]
pub unsafe fn contains(items: &[Ob], wanted: Ob) -> Res<bool> {
    for one in held(items) {
        if PyObject_RichCompareBool(one.ob(), wanted, EQ)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Compares item by item, then lengths.
#[contract]
pub unsafe fn compare(a: &[Ob], b: &[Ob], op: c_int) -> Res<Own> {
    let (mine, others) = (held(a), held(b));
    if mine.len() != others.len() && (op == EQ || op == NE) {
        return Ok(bool_of(op == NE));
    }
    for (x, y) in mine.iter().zip(&others) {
        if !PyObject_RichCompareBool(x.ob(), y.ob(), EQ)? {
            return match op {
                EQ => Ok(bool_of(false)),
                NE => Ok(bool_of(true)),
                _ => PyObject_RichCompare(x.ob(), y.ob(), op),
            };
        }
    }
    Ok(bool_of(holds(mine.len().cmp(&others.len()), op)))
}

/// The items between two signs; `last` after a single one.
#[contract]
pub unsafe fn repr(ob: Ob, items: &[Ob], [open, close]: [char; 2], last: &str) -> Res<Own> {
    let Some(_guard) = ReprGuard::enter(ob)? else { return unicode::from_str(&format!("{open}...{close}")) };
    let (mut all, items) = (vec![u32::from(open)], held(items));
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            all.extend([u32::from(','), u32::from(' ')]);
        }
        all.extend(unicode::points(crate::object::PyObject_Repr(item.ob())?.ob()));
    }
    if items.len() == 1 {
        all.extend(last.chars().map(u32::from));
    }
    all.push(u32::from(close));
    unicode::from_points(&all)
}
