//! Instances that the runtime makes on the heap: of types that add nothing but attributes to `object`.
//!
//! An instance has room for its first attributes, whose names it shares with the others of its type (its [`Shape`]: the
//! idea of maps in Self and PyPy). They are in the order in which they were set, so an instance that sets them in another
//! order, or more of them, or removes one, gets a dict, and so does one whose `__dict__` is asked for; its place in the
//! `PyObject` is null until then, as in CPython 3.11. All references are on the heap; the `PyObject` borrows.

use crate::answer::Res;
use crate::cross::{alloc, borrow_c, to_c, to_gc};
use crate::dict;
use crate::err;
use crate::layout::{Ob, Ty, raw_ob, type_of};
use crate::native;
use crate::own::Own;
use crate::runtime::mutator;
use crate::type_cache::may_keep;
use crate::unicode;
use handfast::raw::{self, Object, TypeInfo};
use handfast_cpyext_macros::contract;
use std::ptr::{self, null_mut};

/// Attributes that an instance has room for.
const ROOM: usize = 4;

/// An instance: its shape, its dict, its first attributes.
pub static INSTANCE: TypeInfo = TypeInfo::new("instance", 24 + 8 * ROOM).with_handle_slot(0).with_refs(&[
    DICT,
    FIRST,
    FIRST + 8,
    FIRST + 16,
    FIRST + 24,
]);

const SHAPE: usize = 8;
const DICT: usize = 16;
const FIRST: usize = 24;

/// What instances of a type have in common. Made once for each type, and never freed, as types are not.
struct Shape {
    ty: Ty,
    /// Interned names, null from the first that is free on.
    names: [Ob; ROOM],
}

#[inline]
#[contract]
unsafe fn shape<'a>(p: *mut Object) -> &'a mut Shape {
    &mut **raw::payload(p).cast::<u8>().add(SHAPE).cast::<*mut Shape>()
}

/// The shape of a type, in a field of the type that no extension uses.
#[inline]
#[contract]
unsafe fn shape_of(ty: Ty) -> *mut Shape {
    let place = &raw mut (*ty).tp_cache;
    if (*place).is_null() {
        *place = Box::into_raw(Box::new(Shape { ty, names: [null_mut(); ROOM] })).cast();
    }
    (*place).cast()
}

/// The object of an instance that began here.
#[inline]
#[contract]
pub unsafe fn object(ob: Ob) -> Option<*mut Object> {
    let p = mutator().to_obj(raw_ob(ob));
    (!p.is_null() && ptr::eq(raw::type_of(p), &INSTANCE)).then_some(p)
}

/// The same, while its attributes are in it.
#[inline]
#[contract]
unsafe fn object_without_dict(ob: Ob) -> Option<*mut Object> {
    object(ob).filter(|&p| mutator().load(p, DICT).is_null())
}

/// Where a name is.
#[inline]
#[contract]
unsafe fn place(shape: &Shape, name: Ob) -> Option<usize> {
    if let Some(at) = shape.names.iter().position(|&one| ptr::eq(one, name)) {
        return Some(at);
    }
    if may_keep(name) {
        return None;
    }
    shape.names.iter().position(|&one| !one.is_null() && unicode::same(one, name))
}

/// An instance with an int as its one attribute. May collect.
#[contract]
pub unsafe fn with_int(ty: Ty, name: Ob, value: i64) -> Res<*mut Object> {
    let scope = mutator().scope_open();
    let root = mutator().root(null_mut());
    let made = with_int_in(ty, name, value, root);
    mutator().scope_close(scope);
    made
}

#[inline]
#[contract]
unsafe fn with_int_in(ty: Ty, name: Ob, value: i64, root: *mut *mut Object) -> Res<*mut Object> {
    *root = native::int(value)?;
    let p = alloc(&INSTANCE)?;
    raw::payload(p).cast::<u8>().add(SHAPE).cast::<*mut Shape>().write(shape_of(ty));
    let value = *root;
    let names = &mut shape(p).names;
    if names[0].is_null() {
        names[0] = name;
    }
    if ptr::eq(names[0], name) {
        mutator().store(p, FIRST, value);
        return Ok(p);
    }
    // Of another order than its type's others.
    *root = p;
    let held = Own::new(to_c(value)).map_or_else(err::no_memory, Ok)?;
    let this = Own::new(to_c(*root)).map_or_else(err::no_memory, Ok)?;
    dict::set(dict_of(this.ob())?, name, held.ob())?;
    Ok(*root)
}

/// The `PyObject`: a new reference, or null when memory is out.
#[contract]
pub unsafe fn mirror(p: *mut Object) -> Ob {
    let ty = shape(p).ty;
    native::handle(p, (*ty).tp_basicsize as usize, ty)
}

/// An attribute of an instance whose attributes are in it: `None` of any other.
#[inline]
#[contract]
pub unsafe fn get(ob: Ob, name: Ob) -> Option<Res<Option<Own>>> {
    let p = object_without_dict(ob)?;
    let Some(at) = place(shape(p), name) else { return Some(Ok(None)) };
    let value = mutator().load(p, FIRST + 8 * at);
    if value.is_null() {
        return Some(Ok(None));
    }
    Some(Own::new(to_c(value)).map_or_else(err::no_memory, |value| Ok(Some(value))))
}

/// Sets an attribute, if there is room for it in the instance. May collect.
#[contract]
pub unsafe fn set(ob: Ob, name: Ob, value: Ob) -> Res<bool> {
    if object_without_dict(ob).is_none() {
        return Ok(false);
    }
    to_gc(value)?;
    let Some(p) = object_without_dict(ob) else { return Ok(false) };
    let names = &mut shape(p).names;
    let used = (0..ROOM).take_while(|at| !mutator().load(p, FIRST + 8 * at).is_null()).count();
    let at = match place(shape(p), name) {
        Some(at) if at <= used => at,
        None if used < ROOM && names[used].is_null() && may_keep(name) => {
            names[used] = name;
            used
        }
        _ => return Ok(false),
    };
    mutator().store(p, FIRST + 8 * at, mutator().to_obj(raw_ob(value)));
    Ok(true)
}

/// Whether an object is an instance that began here, and has no dict yet.
#[contract]
pub unsafe fn is_without_dict(ob: Ob) -> bool {
    object_without_dict(ob).is_some()
}

/// The dict of an instance, borrowed: made of its attributes if there is none. May collect.
#[contract]
pub unsafe fn dict_of(ob: Ob) -> Res<Ob> {
    let made = dict::new()?;
    for at in 0..ROOM {
        let Some(p) = object_without_dict(ob) else { break };
        let (name, value) = (shape(p).names[at], mutator().load(p, FIRST + 8 * at));
        if value.is_null() {
            break;
        }
        let value = Own::new(to_c(value)).map_or_else(err::no_memory, Ok)?;
        dict::set(made.ob(), name, value.ob())?;
    }
    let place = ob.byte_offset((*type_of(ob)).tp_dictoffset).cast::<Ob>();
    if let Some(p) = object_without_dict(ob) {
        mutator().store(p, DICT, mutator().to_obj(raw_ob(made.ob())));
        for at in 0..ROOM {
            mutator().store(p, FIRST + 8 * at, null_mut());
        }
        // The object keeps the dict, and so the dict its `PyObject`.
        place.write(borrow_c(mutator().load(p, DICT)));
    }
    Ok(place.read())
}

/// Gives an instance another dict. May collect.
#[contract]
pub unsafe fn set_dict(ob: Ob, dict: Ob) -> Res<()> {
    to_gc(dict)?;
    let Some(p) = object(ob) else { return Ok(()) };
    mutator().store(p, DICT, mutator().to_obj(raw_ob(dict)));
    for at in 0..ROOM {
        mutator().store(p, FIRST + 8 * at, null_mut());
    }
    // Borrowed: the object keeps it.
    ob.byte_offset((*type_of(ob)).tp_dictoffset).cast::<Ob>().write(dict);
    Ok(())
}
