//! `list[int]`: a type with arguments, which is called and asked like the type.

use crate::answer::Res;
use crate::layout::{Ob, PyMemberDef, PyObject};
use crate::member::{END, object};
use crate::own::{Own, incref, xdecref};
use crate::types::Py_GenericAliasType;
use crate::{attr, call, tuple, unicode};
use handfast_cpyext_macros::{capi, slot};
use std::mem::offset_of;

/// An alias.
#[repr(C)]
#[derive(Debug)]
pub struct Alias {
    ob_base: PyObject,
    origin: Ob,
    args: Ob,
}

/// A type with arguments: a tuple of them, or the one.
#[capi]
pub unsafe fn Py_GenericAlias(origin: Ob, args: Ob) -> Res<Own> {
    let args = if tuple::is_tuple(args) { Own::share(args) } else { tuple::pack(&[args])? };
    let made = crate::types::alloc_instance(&raw mut Py_GenericAliasType, 0)?;
    let this = made.ob().cast::<Alias>();
    incref(origin);
    ((*this).origin, (*this).args) = (origin, args.into_raw());
    Ok(made)
}

/// Frees an alias.
#[slot]
pub unsafe fn alias_dealloc(ob: Ob) {
    let this = ob.cast::<Alias>();
    let (origin, args) = ((*this).origin, (*this).args);
    crate::types::free(ob);
    xdecref(origin);
    xdecref(args);
}

/// Calls the type.
#[slot]
pub unsafe fn alias_call(ob: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    call::PyObject_Call((*ob.cast::<Alias>()).origin, args, kwargs)
}

/// The alias's own attributes, then the type's.
#[slot]
pub unsafe fn alias_getattro(ob: Ob, name: Ob) -> Res<Own> {
    match attr::find(ob, name)? {
        Some(found) => Ok(found),
        None => attr::PyObject_GetAttr((*ob.cast::<Alias>()).origin, name),
    }
}

/// `origin[args]`
#[slot]
pub unsafe fn alias_repr(ob: Ob) -> Res<Own> {
    let this = ob.cast::<Alias>();
    let name = |ob: Ob| -> Res<String> {
        if crate::layout::has(ob, crate::layout::flag::TYPE) {
            return Ok(crate::types::full_name(ob.cast()));
        }
        // SAFETY: [X1] an item of the tuple.
        unsafe { Ok(unicode::to_text(crate::object::PyObject_Repr(ob)?.ob())) }
    };
    let args = tuple::items_of((*this).args).iter().map(|&arg| name(arg)).collect::<Res<Vec<_>>>()?;
    unicode::from_str(&format!("{}[{}]", name((*this).origin)?, args.join(", ")))
}

static mut MEMBERS: [PyMemberDef; 3] =
    [object(c"__origin__", offset_of!(Alias, origin)), object(c"__args__", offset_of!(Alias, args)), END];

/// What can be read of it.
pub const fn members() -> *mut PyMemberDef {
    (&raw mut MEMBERS).cast()
}
