//! list: an array of counted references in C's memory, for C may read and write it in place (`ob_item`).
//!
//! A list's object on the heap is a proxy, if it has one. The items are counted, so a cycle through a list is C's to
//! break: the README says so.

use crate::answer::Res;
use crate::err;
use crate::layout::{NULL, Ob, PyVarObject, Ty, flag, has, type_of};
use crate::object::not_implemented;
use crate::own::{self, Own, incref, xdecref};
use crate::row;
use crate::spare;
use crate::types::PyList_Type;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{c_int, c_void};
use std::ptr;

/// A list.
#[repr(C)]
#[derive(Debug)]
pub struct PyListObject {
    ob_base: PyVarObject,
    pub(crate) ob_item: *mut Ob,
    allocated: isize,
}

#[contract]
unsafe fn head<'a>(ob: Ob) -> &'a mut PyListObject {
    &mut *ob.cast()
}

/// Whether an object is a list.
pub fn is_list(ob: Ob) -> bool {
    has(ob, flag::LIST)
}

/// The number of items.
#[contract]
pub unsafe fn len(ob: Ob) -> usize {
    head(ob).ob_base.ob_size as usize
}

/// The items, borrowed until the list changes.
#[inline]
#[contract]
pub unsafe fn items_of<'a>(ob: Ob) -> &'a [Ob] {
    if len(ob) == 0 { &[] } else { std::slice::from_raw_parts(head(ob).ob_item, len(ob)) }
}

/// The items, held.
#[contract]
pub unsafe fn held_items(ob: Ob) -> Vec<Own> {
    row::held(items_of(ob))
}

/// Room for so many items.
#[contract]
unsafe fn reserve(ob: Ob, wanted: usize) -> Res<()> {
    let this = head(ob);
    if wanted <= this.allocated as usize {
        return Ok(());
    }
    let room = (wanted + wanted / 8 + 6) & !3;
    let items: *mut Ob = libc::realloc(this.ob_item.cast(), room.saturating_mul(8)).cast();
    if items.is_null() {
        return err::no_memory();
    }
    for at in this.allocated as usize..room {
        items.add(at).write(NULL);
    }
    this.ob_item = items;
    this.allocated = room as isize;
    Ok(())
}

/// Appends an item.
#[contract]
pub unsafe fn append(ob: Ob, item: Own) -> Res<()> {
    let size = len(ob);
    reserve(ob, size + 1)?;
    let this = head(ob);
    this.ob_item.add(size).write(item.into_raw());
    this.ob_base.ob_size += 1;
    Ok(())
}

/// Replaces items `start..end`.
#[contract]
pub unsafe fn splice(ob: Ob, start: usize, end: usize, new: Vec<Own>) -> Res<()> {
    let size = len(ob);
    let count = new.len();
    reserve(ob, size - (end - start) + count)?;
    let items = head(ob).ob_item;
    let removed: Vec<Ob> = (start..end).map(|at| items.add(at).read()).collect();
    items.add(start + count).copy_from(items.add(end), size - end);
    for (at, item) in new.into_iter().enumerate() {
        items.add(start + at).write(item.into_raw());
    }
    head(ob).ob_base.ob_size = (size - (end - start) + count) as isize;
    // Last: a dealloc may look at the list.
    removed.into_iter().for_each(xdecref);
    Ok(())
}

/// A list of references that the caller gives up.
#[contract]
pub unsafe fn from_vec(items: Vec<Own>) -> Res<Own> {
    let list = PyList_New(0)?;
    reserve(list.ob(), items.len())?;
    for item in items {
        append(list.ob(), item)?;
    }
    Ok(list)
}

/// Frees a list.
#[slot]
pub unsafe fn list_dealloc(ob: Ob) {
    let this = head(ob);
    let items = std::mem::replace(&mut this.ob_item, ptr::null_mut());
    let (size, allocated) = (this.ob_base.ob_size as usize, this.allocated as usize);
    (this.ob_base.ob_size, this.allocated) = (0, 0);
    for at in 0..size {
        xdecref(items.add(at).read());
    }
    spare::free_items(items, allocated);
    if ptr::eq(type_of(ob), &raw mut PyList_Type) {
        return spare::free(ob, size_of::<PyListObject>());
    }
    crate::types::free(ob);
}

/// Drops the references to items that others hold as well, and the array if these were all; whether they were.
#[inline(always)]
#[contract]
pub unsafe fn let_go(ob: Ob) -> bool {
    let this = head(ob);
    for at in 0..this.ob_base.ob_size as usize {
        let item = this.ob_item.add(at);
        if !(*item).is_null() {
            if !own::decref_unless_last(*item) {
                return false;
            }
            item.write(NULL);
        }
    }
    spare::free_items(this.ob_item, this.allocated as usize);
    true
}

/// Visits the items.
#[slot]
pub unsafe fn list_traverse(ob: Ob, visit: crate::layout::visitproc, arg: *mut c_void) -> c_int {
    row::traverse(items_of(ob), visit, arg)
}

/// A list whose items C sets.
#[capi]
pub unsafe fn PyList_New(size: isize) -> Res<Own> {
    let Ok(wanted) = usize::try_from(size) else { return err::bad_internal_call("a negative size") };
    crate::runtime::bury();
    let list = crate::types::alloc_instance(&raw mut PyList_Type, 0)?;
    if wanted > 0 {
        let items = spare::alloc_items(wanted);
        if items.is_null() {
            return err::no_memory();
        }
        for at in 0..wanted {
            items.add(at).write(NULL);
        }
        let this = head(list.ob());
        (this.ob_item, this.allocated, this.ob_base.ob_size) = (items, size, size);
    }
    Ok(list)
}

#[contract]
unsafe fn check(ob: Ob) -> Res<()> {
    if ob.is_null() || !is_list(ob) { err::bad_internal_call("bad argument to internal function") } else { Ok(()) }
}

/// The number of items.
#[capi]
pub unsafe fn PyList_Size(ob: Ob) -> Res<isize> {
    check(ob)?;
    Ok(len(ob) as isize)
}

/// An item, borrowed.
#[capi]
pub unsafe fn PyList_GetItem(ob: Ob, at: isize) -> Res<Ob> {
    check(ob)?;
    row::item(items_of(ob), at, "list")
}

/// Sets an item; steals the reference.
#[capi]
pub unsafe fn PyList_SetItem(ob: Ob, at: isize, item: Ob) -> Res<()> {
    let item = Own::new(item);
    check(ob)?;
    match usize::try_from(at) {
        Ok(at) if at < len(ob) => xdecref(head(ob).ob_item.add(at).replace(item.map_or(NULL, Own::into_raw))),
        _ => return err::index_error("list assignment index out of range"),
    }
    Ok(())
}

/// Appends an item.
#[capi]
pub unsafe fn PyList_Append(ob: Ob, item: Ob) -> Res<()> {
    check(ob)?;
    if item.is_null() {
        return err::bad_internal_call("bad argument to internal function");
    }
    append(ob, Own::share(item))
}

/// Inserts an item before another.
#[capi]
pub unsafe fn PyList_Insert(ob: Ob, at: isize, item: Ob) -> Res<()> {
    check(ob)?;
    let size = len(ob) as isize;
    let at = if at < 0 { at + size } else { at }.clamp(0, size) as usize;
    splice(ob, at, at, vec![Own::share(item)])
}

/// Items `start..end`.
#[capi]
pub unsafe fn PyList_GetSlice(ob: Ob, start: isize, end: isize) -> Res<Own> {
    check(ob)?;
    from_vec(row::held(&items_of(ob)[row::clamp(start, end, len(ob))]))
}

/// Replaces items `start..end` by those of an iterable, or by nothing.
#[capi]
pub unsafe fn PyList_SetSlice(ob: Ob, start: isize, end: isize, by: Ob) -> Res<()> {
    check(ob)?;
    let new = if by.is_null() { vec![] } else { crate::sequence::collect(by)? };
    let part = row::clamp(start, end, len(ob));
    splice(ob, part.start, part.end, new)
}

/// Appends the items of an iterable; None.
#[capi]
pub unsafe fn _PyList_Extend(ob: Ob, by: Ob) -> Res<Own> {
    PyList_SetSlice(ob, isize::MAX, isize::MAX, by)?;
    Ok(Own::share(crate::object::none()))
}

/// A tuple of the items.
#[capi]
pub unsafe fn PyList_AsTuple(ob: Ob) -> Res<Own> {
    check(ob)?;
    crate::tuple::pack(items_of(ob))
}

/// Reverses the items.
#[capi]
pub unsafe fn PyList_Reverse(ob: Ob) -> Res<()> {
    check(ob)?;
    if len(ob) > 0 {
        std::slice::from_raw_parts_mut(head(ob).ob_item, len(ob)).reverse();
    }
    Ok(())
}

/// Sorts the items by `<`; stable.
#[capi]
pub unsafe fn PyList_Sort(ob: Ob) -> Res<()> {
    check(ob)?;
    let mut items = held_items(ob);
    let mut failed = None;
    items.sort_by(|a, b| {
        use std::cmp::Ordering::{Equal, Greater, Less};
        if failed.is_some() {
            return Equal;
        }
        // SAFETY: [X1] items of a list, held.
        let less =
            |a: &Own, b: &Own| unsafe { crate::object::PyObject_RichCompareBool(a.ob(), b.ob(), crate::object::LT) };
        match less(a, b)
            .and_then(|yes| if yes { Ok(Less) } else { less(b, a).map(|yes| if yes { Greater } else { Equal }) })
        {
            Ok(order) => order,
            Err(error) => {
                failed = Some(error);
                Equal
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => splice(ob, 0, len(ob), items),
    }
}

/// The number of items, for the slot.
#[slot]
pub unsafe fn list_length(ob: Ob) -> isize {
    len(ob) as isize
}

/// An item.
#[slot]
pub unsafe fn list_item(ob: Ob, at: isize) -> Res<Own> {
    Ok(Own::share(PyList_GetItem(ob, at)?))
}

/// Sets or removes an item.
#[slot]
pub unsafe fn list_ass_item(ob: Ob, at: isize, item: Ob) -> Res<()> {
    if item.is_null() {
        PyList_GetItem(ob, at)?;
        return splice(ob, at as usize, at as usize + 1, vec![]);
    }
    incref(item);
    PyList_SetItem(ob, at, item)
}

/// An item, or a slice.
#[slot]
pub unsafe fn list_subscript(ob: Ob, key: Ob) -> Res<Own> {
    if let Some(range) = crate::slice::range_of(key, len(ob) as isize)? {
        let items = items_of(ob);
        return from_vec(range.indices().map(|at| Own::share(items[at])).collect());
    }
    list_item(ob, row::position(key, len(ob), "list")?)
}

/// Sets or removes an item, or a slice whose step is 1.
#[slot]
pub unsafe fn list_ass_subscript(ob: Ob, key: Ob, value: Ob) -> Res<()> {
    if let Some(range) = crate::slice::range_of(key, len(ob) as isize)? {
        let new = if value.is_null() { vec![] } else { crate::sequence::collect(value)? };
        if range.step == 1 {
            let start = range.start as usize;
            return splice(ob, start, start + range.count, new);
        }
        if value.is_null() {
            let mut gone: Vec<usize> = range.indices().collect();
            gone.sort_unstable_by(|a, b| b.cmp(a));
            return gone.into_iter().try_for_each(|at| splice(ob, at, at + 1, vec![]));
        }
        if new.len() != range.count {
            let text =
                format!("attempt to assign sequence of size {} to extended slice of size {}", new.len(), range.count);
            return err::value_error(&text);
        }
        for (at, item) in range.indices().zip(new) {
            PyList_SetItem(ob, at as isize, item.into_raw())?;
        }
        return Ok(());
    }
    list_ass_item(ob, row::position(key, len(ob), "list")?, value)
}

/// `+`
#[slot]
pub unsafe fn list_concat(a: Ob, b: Ob) -> Res<Own> {
    if !is_list(b) {
        return err::type_error(&format!("can only concatenate list (not \"{}\") to list", crate::types::kind_of(b)));
    }
    let mut items = held_items(a);
    items.extend(held_items(b));
    from_vec(items)
}

/// `*`
#[slot]
pub unsafe fn list_repeat(ob: Ob, times: isize) -> Res<Own> {
    from_vec(items_of(ob).repeat(times.max(0) as usize).into_iter().map(Own::share).collect())
}

/// `in`
#[slot]
pub unsafe fn list_contains(ob: Ob, item: Ob) -> Res<bool> {
    row::contains(items_of(ob), item)
}

/// Compares with another list.
#[slot]
pub unsafe fn list_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if !is_list(a) || !is_list(b) {
        return Ok(not_implemented());
    }
    row::compare(items_of(a), items_of(b), op)
}

/// `[...]`
#[slot]
pub unsafe fn list_repr(ob: Ob) -> Res<Own> {
    row::repr(ob, items_of(ob), ['[', ']'], "")
}

/// `list(...)`: the items come with `__init__`.
#[slot]
pub unsafe fn list_init(ob: Ob, args: Ob, _kwargs: Ob) -> Res<()> {
    let new = match crate::tuple::items_of(args) {
        [] => vec![],
        [from, ..] => crate::sequence::collect(*from)?,
    };
    splice(ob, 0, len(ob), new)
}

/// A new list of this type.
#[slot]
pub unsafe fn list_new(ty: Ty, _args: Ob, _kwargs: Ob) -> Res<Own> {
    crate::types::alloc_instance(ty, 0)
}
