//! set and frozenset: the keys of a dict that nobody else sees.

use crate::answer::Res;
use crate::dict;
use crate::err;
use crate::exc;
use crate::layout::{Ob, PyObject, Ty, type_of};
use crate::object::{EQ, GE, GT, LE, LT, bool_of, none, not_implemented};
use crate::own::{Own, xdecref};
use crate::types::{PyFrozenSet_Type, PySet_Type, PyType_IsSubtype};
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::c_int;
use std::ptr;

/// A set.
#[repr(C)]
#[derive(Debug)]
pub struct PySetObject {
    ob_base: PyObject,
    /// Counted; its values are None.
    keys: Ob,
    /// Of a frozenset, once it is known; else -1.
    hash: isize,
}

#[contract]
unsafe fn head<'a>(ob: Ob) -> &'a mut PySetObject {
    &mut *ob.cast()
}

#[contract]
unsafe fn is_set(ob: Ob) -> bool {
    PyType_IsSubtype(type_of(ob), &raw mut PySet_Type) != 0
        || PyType_IsSubtype(type_of(ob), &raw mut PyFrozenSet_Type) != 0
}

#[contract]
unsafe fn check(ob: Ob) -> Res<()> {
    if ob.is_null() || !is_set(ob) { err::bad_internal_call("a set was expected") } else { Ok(()) }
}

#[contract]
unsafe fn make(ty: Ty, from: Option<Ob>) -> Res<Own> {
    let ob = crate::type_alloc::new_instance(ty)?;
    let this = head(ob.ob());
    this.hash = -1;
    this.keys = dict::new()?.into_raw();
    if let Some(from) = from {
        add_all(ob.ob(), from)?;
    }
    Ok(ob)
}

#[contract]
unsafe fn add_all(ob: Ob, from: Ob) -> Res<()> {
    for item in items(from)? {
        dict::set(head(ob).keys, item.ob(), none())?;
    }
    Ok(())
}

#[contract]
unsafe fn items(from: Ob) -> Res<Vec<Own>> {
    if !is_set(from) {
        return crate::sequence::collect(from);
    }
    let (mut all, mut at) = (vec![], 0);
    while let Some((key, _, _)) = dict::next(head(from).keys, &mut at) {
        all.push(Own::share(key));
    }
    Ok(all)
}

/// A set of the items of an iterable, or empty.
#[capi]
pub unsafe fn PySet_New(from: Ob) -> Res<Own> {
    make(&raw mut PySet_Type, (!from.is_null()).then_some(from))
}

/// A frozenset of the items of an iterable, or empty.
#[capi]
pub unsafe fn PyFrozenSet_New(from: Ob) -> Res<Own> {
    make(&raw mut PyFrozenSet_Type, (!from.is_null()).then_some(from))
}

/// Adds an item.
#[capi]
pub unsafe fn PySet_Add(ob: Ob, item: Ob) -> Res<()> {
    check(ob)?;
    dict::set(head(ob).keys, item, none())
}

/// Removes an item; whether it was there.
#[capi]
pub unsafe fn PySet_Discard(ob: Ob, item: Ob) -> Res<bool> {
    check(ob)?;
    Ok(dict::pop(head(ob).keys, item)?.is_some())
}

/// Whether an item is there.
#[capi]
pub unsafe fn PySet_Contains(ob: Ob, item: Ob) -> Res<bool> {
    check(ob)?;
    dict::PyDict_Contains(head(ob).keys, item)
}

/// The number of items.
#[capi]
pub unsafe fn PySet_Size(ob: Ob) -> Res<isize> {
    check(ob)?;
    Ok(dict::len(head(ob).keys) as isize)
}

/// Removes all items.
#[capi]
pub unsafe fn PySet_Clear(ob: Ob) -> Res<()> {
    check(ob)?;
    dict::PyDict_Clear(head(ob).keys);
    Ok(())
}

/// Removes some item and answers it.
#[capi]
pub unsafe fn PySet_Pop(ob: Ob) -> Res<Own> {
    check(ob)?;
    let Some((key, _, _)) = dict::next(head(ob).keys, &mut 0) else {
        return err::raise(exc::PyExc_KeyError, "pop from an empty set");
    };
    let key = Own::share(key);
    dict::pop(head(ob).keys, key.ob())?;
    Ok(key)
}

/// Frees a set.
#[slot]
pub unsafe fn set_dealloc(ob: Ob) {
    let keys = head(ob).keys;
    crate::types::free(ob);
    xdecref(keys);
}

/// `set(...)`, `frozenset(...)`
#[slot]
pub unsafe fn set_new(ty: Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    match crate::tuple::items_of(args) {
        [] => make(ty, None),
        [from] => make(ty, Some(*from)),
        all => err::type_error(&format!("set expected at most 1 argument, got {}", all.len())),
    }
}

/// `set.__init__`: the items came with `__new__`.
#[slot]
pub unsafe fn set_init(_ob: Ob, _args: Ob, _kwargs: Ob) -> Res<()> {
    Ok(())
}

/// `len(set)`
#[slot]
pub unsafe fn set_length(ob: Ob) -> isize {
    dict::len(head(ob).keys) as isize
}

/// `item in set`
#[slot]
pub unsafe fn set_contains(ob: Ob, item: Ob) -> Res<bool> {
    PySet_Contains(ob, item)
}

/// `iter(set)`
#[slot]
pub unsafe fn set_iter(ob: Ob) -> Res<Own> {
    crate::iter::dict_iter(head(ob).keys)
}

/// The hash of a frozenset: the same in any order.
#[slot]
pub unsafe fn frozen_hash(ob: Ob) -> isize {
    if head(ob).hash == -1 {
        let (mut hash, mut at) = (set_length(ob) as u64 ^ 0x9e37_79b9_7f4a_7c15, 0);
        while let Some((_, _, one)) = dict::next(head(ob).keys, &mut at) {
            hash ^= (one ^ 89_869_747 ^ (one << 16)).wrapping_mul(3_644_798_167);
        }
        head(ob).hash = if hash == u64::MAX { 590_923_713 } else { hash as isize };
    }
    head(ob).hash
}

#[contract]
unsafe fn includes(a: Ob, b: Ob) -> Res<bool> {
    for item in items(b)? {
        if !PySet_Contains(a, item.ob())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Compares as sets: `<` is "a proper part of".
#[slot]
pub unsafe fn set_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if !is_set(b) {
        return Ok(not_implemented());
    }
    let (mine, others) = (set_length(a), set_length(b));
    Ok(bool_of(match op {
        EQ => mine == others && includes(a, b)?,
        LT => mine < others && includes(b, a)?,
        LE => mine <= others && includes(b, a)?,
        GT => mine > others && includes(a, b)?,
        GE => mine >= others && includes(a, b)?,
        _ => mine != others || !includes(a, b)?,
    }))
}

/// `{...}`, `set()`, `frozenset({...})`
#[slot]
pub unsafe fn set_repr(ob: Ob) -> Res<Own> {
    let name = crate::types::name_of(type_of(ob));
    let _guard = match crate::object::ReprGuard::enter(ob)? {
        Some(guard) => guard,
        None => return crate::unicode::from_str(&format!("{name}(...)")),
    };
    let mut parts = vec![];
    for item in items(ob)? {
        parts.push(crate::unicode::to_text(crate::object::PyObject_Repr(item.ob())?.ob()));
    }
    let inner = parts.join(", ");
    crate::unicode::from_str(&if parts.is_empty() {
        format!("{name}()")
    } else if ptr::eq(type_of(ob), &raw mut PySet_Type) {
        format!("{{{inner}}}")
    } else {
        format!("{name}({{{inner}}})")
    })
}
