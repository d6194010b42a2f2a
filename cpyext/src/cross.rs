//! Crossings: the object on the heap of a `PyObject`, and back.
//!
//! What C makes (`PyLong_FromLong`, an extension's `tp_alloc`) begins as a `PyObject` alone, counted as in CPython, and
//! dies at its last decref. It gets an object on the heap when something there shall refer to it ([`to_gc`]):
//!
//! | what | its object on the heap | link | when the pair dies |
//! |---|---|---|---|
//! | int, float, bytes, ASCII str | a proxy: a header and the handle slot | light | its memory is freed |
//! | other str (may own a UTF-8 copy), list, instances of extensions, functions, exceptions… | a proxy | not light | `tp_dealloc` |
//! | tuple | an array of references to its items' objects; from then on the items in the `PyObject` are borrowed | light | its memory is freed |
//! | dict | the whole dict, from the beginning | light | its memory is freed |
//! | types, None, True… | a proxy | immortal | never |
//!
//! What the runtime makes on the heap (`native`) gets its `PyObject` when C shall see it ([`to_c`]).
//!
//! Objects on the heap move. Here an address of one never outlives a call that may collect: everything is kept by
//! counted `PyObject`s, and the address is asked for right before it is used.

use crate::answer::Res;
use crate::dict::DICT;
use crate::err;
use crate::layout::{Ob, raw_ob, size_of_var, type_of};
use crate::native;
use crate::own::{Own, decref, incref};
use crate::runtime::mutator;
use crate::tuple::{PyTupleObject, items_of};
use crate::types::{PyLong_Type, PyTuple_Type};
use handfast::raw::{self, LinkFlags, Object, TypeInfo};
use handfast_cpyext_macros::contract;
use std::ptr;

/// An object that has its data in C.
pub static PROXY: TypeInfo = TypeInfo::new("proxy", 8).with_handle_slot(0);
/// A tuple: references to its items' objects.
pub static TUPLE: TypeInfo = TypeInfo::new("tuple", 8).with_handle_slot(0).with_ref_items();

/// Offset of the first item of [`TUPLE`].
pub const TUPLE_ITEMS: usize = 8;
/// Tuples that are nested deeper than this get proxies.
const DEPTH: u32 = 100;

/// Allocates an object on the heap. May collect.
#[contract]
pub unsafe fn alloc(info: &'static TypeInfo) -> Res<*mut Object> {
    let p = mutator().alloc(info);
    if p.is_null() { err::no_memory() } else { Ok(p) }
}

/// Allocates an object with items. May collect.
#[contract]
pub unsafe fn alloc_items(info: &'static TypeInfo, items: usize) -> Res<*mut Object> {
    let p = mutator().alloc_items(info, items);
    if p.is_null() { err::no_memory() } else { Ok(p) }
}

/// Whether nothing has to run when it dies.
fn is_light(ob: Ob) -> bool {
    let ty = type_of(ob);
    ptr::eq(ty, &raw mut PyLong_Type)
        || ptr::eq(ty, &raw mut crate::types::PyFloat_Type)
        || ptr::eq(ty, &raw mut crate::types::PyBytes_Type)
        || (ptr::eq(ty, &raw mut crate::types::PyUnicode_Type) && crate::unicode::is_ascii(ob))
}

/// The object on the heap of something that the caller holds or borrows; made when there is none. May collect. The
/// answer lives as long as `ob` is held, or as something refers to it.
#[inline]
#[contract]
pub unsafe fn to_gc(ob: Ob) -> Res<*mut Object> {
    let p = mutator().to_obj(raw_ob(ob));
    if p.is_null() { make(ob, 0) } else { Ok(p) }
}

#[cold]
#[contract]
unsafe fn make(ob: Ob, depth: u32) -> Res<*mut Object> {
    if ptr::eq(type_of(ob), &raw mut PyTuple_Type) && depth < DEPTH && size_of_var(ob) > 0 {
        return make_tuple(ob, depth);
    }
    let p = alloc(&PROXY)?;
    link(p, ob, if is_light(ob) { LinkFlags::LIGHT } else { LinkFlags::NONE });
    Ok(p)
}

/// Links the two; neither is linked.
#[contract]
pub unsafe fn link(p: *mut Object, ob: Ob, flags: LinkFlags) {
    if mutator().link_c_owned(p, raw_ob(ob), flags).is_err() {
        // Memory of the extension's own that it gave a head; or a static struct, which is never freed.
        if (*ob).ob_refcnt & raw::IMMORTAL == 0 {
            crate::mem::will_adopt();
        }
        let size = (*type_of(ob)).tp_basicsize as usize;
        let linked =
            mutator().pyobject_adopt(raw_ob(ob), size).and_then(|()| mutator().link_c_owned(p, raw_ob(ob), flags));
        assert!(linked.is_ok(), "an object of C could not be linked: {linked:?}");
    }
}

#[contract]
unsafe fn make_tuple(ob: Ob, depth: u32) -> Res<*mut Object> {
    // The caller holds the tuple, and it holds its items, so none of them goes while these allocate.
    for &item in items_of(ob) {
        if !item.is_null() && mutator().to_obj(raw_ob(item)).is_null() {
            make(item, depth + 1)?;
        }
    }
    let p = alloc_items(&TUPLE, size_of_var(ob) as usize)?;
    for (i, &item) in items_of(ob).iter().enumerate() {
        if !item.is_null() {
            mutator().store(p, TUPLE_ITEMS + 8 * i, mutator().to_obj(raw_ob(item)));
        }
    }
    link(p, ob, LinkFlags::LIGHT);
    // The object on the heap keeps the items from now on.
    for &item in items_of(ob) {
        if !item.is_null() {
            decref(item);
        }
    }
    Ok(p)
}

/// Whether the items of a tuple are borrowed from its object on the heap.
#[contract]
pub unsafe fn tuple_object(ob: Ob) -> Option<*mut Object> {
    let p = mutator().to_obj(raw_ob(ob));
    (!p.is_null() && ptr::eq(raw::type_of(p), &TUPLE)).then_some(p)
}

/// The `PyObject` of an object on the heap, with a new reference; made when there is none. Never collects. Null when memory
/// is out.
#[inline]
#[contract]
pub unsafe fn to_c(p: *mut Object) -> Ob {
    let ob = mutator().from_obj(p);
    if ob.is_null() {
        return fresh(p);
    }
    incref(ob.cast());
    ob.cast()
}

/// What C gets of an object that has no `PyObject`: a mirror; of an int a copy, for nobody may tell two equal ints apart.
#[contract]
unsafe fn fresh(p: *mut Object) -> Ob {
    match native::value_of(p) {
        Some(value) => crate::long::from_i64(value).map_or(ptr::null_mut(), Own::into_raw),
        None => mirror(p),
    }
}

/// What the heap gets of an answer that nobody else needs to find there: as [`to_gc`], but of an int a copy. May collect.
#[inline(always)]
#[contract]
pub unsafe fn answer_to_gc(ob: Ob) -> Res<*mut Object> {
    if crate::long::is_exact(ob)
        && (*ob).ob_pypy_link == 0
        && let Some(value) = crate::long::to_i64(ob)
    {
        return native::int(value);
    }
    to_gc(ob)
}

/// As [`to_c`], borrowed: valid while something refers to `p`.
#[inline]
#[contract]
pub unsafe fn borrow_c(p: *mut Object) -> Ob {
    let ob = mutator().from_obj(p);
    if !ob.is_null() {
        return ob.cast();
    }
    let ob = mirror(p);
    if !ob.is_null() {
        // Linked: this never frees.
        decref(ob);
    }
    ob
}

#[cold]
#[contract]
unsafe fn mirror(p: *mut Object) -> Ob {
    let info = raw::type_of(p);
    if ptr::eq(info, &TUPLE) {
        return mirror_tuple(p);
    }
    if ptr::eq(info, &DICT) {
        return crate::dict::mirror(p);
    }
    native::mirror(p)
}

#[contract]
unsafe fn mirror_tuple(p: *mut Object) -> Ob {
    let items = raw::items(p);
    let size = size_of::<PyTupleObject>() + 8 * items;
    let ob: Ob = mutator().handle(p, size, (&raw mut PyTuple_Type).cast(), LinkFlags::LIGHT).cast();
    if ob.is_null() {
        return ob;
    }
    let tuple = ob.cast::<PyTupleObject>();
    (*tuple).ob_base.ob_size = items as isize;
    for i in 0..items {
        let item = mutator().load(p, TUPLE_ITEMS + 8 * i);
        if !item.is_null() {
            crate::tuple::slot(ob, i).write(borrow_c(item));
        }
    }
    ob
}
