//! `classmethod` and `staticmethod`: what a type's dict has for a callable that is not to be bound to instances.

use crate::answer::{Res, owned};
use crate::err;
use crate::layout::{Ob, PyMemberDef, PyObject, Ty, type_of};
use crate::member::{END, object};
use crate::own::{Own, incref, xdecref};
use crate::types::{PyClassMethod_Type, PyStaticMethod_Type};
use crate::{call, method, tuple};
use handfast_cpyext_macros::{capi, contract, slot};
use std::mem::offset_of;

/// A callable, wrapped.
#[repr(C)]
#[derive(Debug)]
pub struct Wrapped {
    ob_base: PyObject,
    callable: Ob,
}

#[contract]
unsafe fn make(ty: Ty, callable: Ob) -> Res<Own> {
    let made = crate::type_alloc::generic_alloc(ty, 0)?;
    incref(callable);
    (*made.ob().cast::<Wrapped>()).callable = callable;
    Ok(made)
}

#[contract]
unsafe fn callable(ob: Ob) -> Ob {
    (*ob.cast::<Wrapped>()).callable
}

/// `classmethod(callable)`
#[capi]
pub unsafe fn PyClassMethod_New(callable: Ob) -> Res<Own> {
    make(&raw mut PyClassMethod_Type, callable)
}

/// `staticmethod(callable)`
#[capi]
pub unsafe fn PyStaticMethod_New(callable: Ob) -> Res<Own> {
    make(&raw mut PyStaticMethod_Type, callable)
}

/// `classmethod(...)`, `staticmethod(...)`
#[slot]
pub unsafe fn wrapped_new(ty: Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    match tuple::items_of(args) {
        [callable] => make(ty, *callable),
        all => err::type_error(&format!("{} expected 1 argument, got {}", crate::types::name_of(ty), all.len())),
    }
}

/// Frees either.
#[slot]
pub unsafe fn wrapped_dealloc(ob: Ob) {
    let callable = callable(ob);
    crate::types::free(ob);
    xdecref(callable);
}

/// The callable, bound to the type: as it binds itself, if it does.
#[slot]
pub unsafe fn class_get(ob: Ob, instance: Ob, ty: Ob) -> Res<Own> {
    let ty = if ty.is_null() { type_of(instance).cast() } else { ty };
    match (*type_of(callable(ob))).tp_descr_get {
        Some(get) => owned(get(callable(ob), ty, ty)),
        None => method::PyMethod_New(callable(ob), ty),
    }
}

/// The callable.
#[slot]
pub unsafe fn static_get(ob: Ob, _instance: Ob, _ty: Ob) -> Own {
    Own::share(callable(ob))
}

/// Calls it.
#[slot]
pub unsafe fn static_call(ob: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    call::PyObject_Call(callable(ob), args, kwargs)
}

static mut MEMBERS: [PyMemberDef; 3] =
    [object(c"__func__", offset_of!(Wrapped, callable)), object(c"__wrapped__", offset_of!(Wrapped, callable)), END];

/// What can be read of them.
pub const fn members() -> *mut PyMemberDef {
    (&raw mut MEMBERS).cast()
}
