//! type: calling, attributes, `type(name, bases, dict)`; and `object`.

use crate::answer::{Res, owned, status};
use crate::dict;
use crate::err;
use crate::layout::{NULL, Ob, PyGetSetDef, Ty, flag, has, initproc, newfunc, type_of};
use crate::names;
use crate::own::Own;
use crate::tuple::items_of;
use crate::type_cache;
use crate::types::{PyBaseObject_Type, PyType_Type};
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{c_int, c_ulong, c_void};
use std::ptr::{self, null_mut};

/// Whether a type is another one or inherits from it.
#[inline]
#[capi]
pub unsafe fn PyType_IsSubtype(derived: Ty, base: Ty) -> c_int {
    let mut ty = derived;
    while !ty.is_null() {
        if ptr::eq(ty, base) {
            return 1;
        }
        if !(*ty).tp_mro.is_null() {
            return c_int::from(items_of((*ty).tp_mro).iter().any(|&one| ptr::eq(one, base.cast())));
        }
        ty = (*ty).tp_base;
    }
    // A type that is not ready yet.
    c_int::from(ptr::eq(base, &raw mut PyBaseObject_Type))
}

/// The attribute of a type or of what it inherits from, borrowed; NULL without an exception when there is none.
#[capi]
pub unsafe fn _PyType_Lookup(ty: Ty, name: Ob) -> Ob {
    if let Some(known) = type_cache::get(ty, name) {
        return known;
    }
    lookup(ty, name)
}

#[cold]
#[contract]
unsafe fn lookup(ty: Ty, name: Ob) -> Ob {
    let mro = (*ty).tp_mro;
    if mro.is_null() {
        return NULL;
    }
    let keep = type_cache::may_keep(name);
    let mut found = NULL;
    for &one in items_of(mro) {
        let its = (*one.cast::<crate::layout::PyTypeObject>()).tp_dict;
        if its.is_null() {
            continue;
        }
        if keep {
            dict::watch(its);
        }
        match dict::get(its, name) {
            Ok(None) => {}
            Ok(Some(value)) => {
                found = value;
                break;
            }
            // As in CPython, an error is no answer; and not remembered.
            Err(_) => return NULL,
        }
    }
    if keep {
        type_cache::put(ty, name, found);
    }
    found
}

/// The flags of a type.
#[capi]
pub unsafe fn PyType_GetFlags(ty: Ty) -> c_ulong {
    (*ty).tp_flags as c_ulong
}

/// What was remembered of types is forgotten.
#[capi]
pub unsafe fn PyType_Modified(_ty: Ty) {
    type_cache::changed();
}

/// The name of a type.
#[capi]
pub unsafe fn PyType_GetName(ty: Ty) -> Res<Own> {
    crate::unicode::from_str(&crate::types::name_of(ty))
}

/// The qualified name of a type.
#[capi]
pub unsafe fn PyType_GetQualName(ty: Ty) -> Res<Own> {
    PyType_GetName(ty)
}

/// `<class '...'>`
#[slot]
pub unsafe fn type_repr(ob: Ob) -> Res<Own> {
    crate::unicode::from_str(&format!("<class '{}'>", crate::types::full_name(ob.cast())))
}

/// `type(...)` of an object, or a new instance.
#[slot]
pub unsafe fn type_call(ob: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    let ty: Ty = ob.cast();
    if ptr::eq(ty, &raw mut PyType_Type)
        && let [of] = items_of(args)
    {
        return Ok(Own::share(type_of(*of).cast()));
    }
    let Some(new) = (*ty).tp_new else {
        return err::type_error(&format!("cannot create '{}' instances", crate::types::full_name(ty)));
    };
    let made = owned(new(ty, args, kwargs))?;
    if PyType_IsSubtype(type_of(made.ob()), ty) != 0
        && let Some(init) = (*type_of(made.ob())).tp_init
    {
        status(init(made.ob(), args, kwargs))?;
    }
    Ok(made)
}

/// An attribute of a type: of its metatype if that one decides, else its own or inherited.
#[slot]
pub unsafe fn type_getattro(ob: Ob, name: Ob) -> Res<Own> {
    let ty: Ty = ob.cast();
    let meta = Own::new_shared(_PyType_Lookup(type_of(ob), name));
    let meta_get = meta.as_ref().and_then(|meta| (*type_of(meta.ob())).tp_descr_get);
    if let (Some(meta), Some(get)) = (&meta, meta_get)
        && (*type_of(meta.ob())).tp_descr_set.is_some()
    {
        return owned(get(meta.ob(), ob, type_of(ob).cast()));
    }
    if let Some(own) = Own::new_shared(_PyType_Lookup(ty, name)) {
        return match (*type_of(own.ob())).tp_descr_get {
            Some(get) => owned(get(own.ob(), NULL, ob)),
            None => Ok(own),
        };
    }
    if let (Some(meta), Some(get)) = (&meta, meta_get) {
        return owned(get(meta.ob(), ob, type_of(ob).cast()));
    }
    if let Some(meta) = meta {
        return Ok(meta);
    }
    let (kind, name) = (crate::types::name_of(ty), crate::unicode::to_text(name));
    err::attribute_error(&format!("type object '{kind}' has no attribute '{name}'"))
}

/// Sets an attribute of a type that was made at run time.
#[slot]
pub unsafe fn type_setattro(ob: Ob, name: Ob, value: Ob) -> Res<()> {
    let ty: Ty = ob.cast();
    if (*ty).tp_flags & flag::HEAPTYPE == 0 || (*ty).tp_flags & flag::IMMUTABLE != 0 {
        let (kind, name) = (crate::types::full_name(ty), crate::unicode::to_text(name));
        return err::type_error(&format!("cannot set '{name}' attribute of immutable type '{kind}'"));
    }
    if !value.is_null() {
        return dict::set((*ty).tp_dict, name, value);
    }
    match dict::pop((*ty).tp_dict, name)? {
        Some(_) => Ok(()),
        None => err::attribute_error(&crate::unicode::to_text(name)),
    }
}

/// `type(name, bases, dict)`
#[slot]
pub unsafe fn type_new(_meta: Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    let [name, bases, attributes] = items_of(args) else {
        return err::type_error("type() takes 1 or 3 arguments");
    };
    crate::unicode::check(*name)?;
    if !has(*bases, flag::TUPLE) || !has(*attributes, flag::DICT) {
        return err::type_error("type.__new__() arguments are a str, a tuple and a dict");
    }
    let name = std::ffi::CString::new(crate::unicode::to_text(*name));
    let Ok(name) = name else { return err::value_error("type name must not contain null characters") };
    let base = match items_of(*bases) {
        [] => &raw mut PyBaseObject_Type,
        [base] if has(*base, flag::TYPE) => base.cast(),
        _ => return err::type_error("a type has one base type"),
    };
    crate::type_spec::derive(&name, base, *attributes)
}

#[contract]
unsafe fn excess(args: Ob, kwargs: Ob) -> bool {
    !items_of(args).is_empty() || (!kwargs.is_null() && dict::len(kwargs) > 0)
}

#[contract]
unsafe fn own_new(ty: Ty) -> bool {
    (*ty).tp_new.map(|f| f as usize) != Some(c_object_new as newfunc as usize)
}

#[contract]
unsafe fn own_init(ty: Ty) -> bool {
    (*ty).tp_init.map(|f| f as usize) != Some(c_object_init as initproc as usize)
}

/// `object.__new__`
#[slot]
pub unsafe fn object_new(ty: Ty, args: Ob, kwargs: Ob) -> Res<Own> {
    if excess(args, kwargs) {
        if own_new(ty) {
            return err::type_error("object.__new__() takes exactly one argument (the type to instantiate)");
        }
        if !own_init(ty) {
            return err::type_error(&format!("{}() takes no arguments", crate::types::name_of(ty)));
        }
    }
    crate::type_alloc::new_instance(ty)
}

/// `object.__init__`
#[slot]
pub unsafe fn object_init(ob: Ob, args: Ob, kwargs: Ob) -> Res<()> {
    let ty = type_of(ob);
    if excess(args, kwargs) {
        if own_init(ty) {
            return err::type_error("object.__init__() takes exactly one argument (the instance to initialize)");
        }
        if !own_new(ty) {
            return err::type_error(&format!("{}() takes no arguments", crate::types::name_of(ty)));
        }
    }
    Ok(())
}

/// `type.__name__`
#[slot]
unsafe fn get_name(ob: Ob, _: *mut c_void) -> Res<Own> {
    crate::unicode::from_str(&crate::types::name_of(ob.cast()))
}

/// `type.__module__`
#[slot]
unsafe fn get_module(ob: Ob, _: *mut c_void) -> Res<Own> {
    let ty: Ty = ob.cast();
    if let Some(module) = dict::get((*ty).tp_dict, names::get("__module__").ob())? {
        return Ok(Own::share(module));
    }
    let name = crate::types::full_name(ty);
    crate::unicode::from_str(name.rsplit_once('.').map_or("builtins", |(module, _)| module))
}

/// `type.__dict__`: the dict itself.
#[slot]
unsafe fn get_dict(ob: Ob, _: *mut c_void) -> Own {
    Own::share((*ob.cast::<crate::layout::PyTypeObject>()).tp_dict)
}

/// `object.__dict__`
#[slot]
unsafe fn get_instance_dict(ob: Ob, unused: *mut c_void) -> Res<Own> {
    crate::attr::PyObject_GenericGetDict(ob, unused)
}

/// `object.__dict__ = ...`
#[slot]
unsafe fn set_instance_dict(ob: Ob, value: Ob, unused: *mut c_void) -> Res<()> {
    crate::attr::PyObject_GenericSetDict(ob, value, unused)
}

/// `type.__mro__`
#[slot]
unsafe fn get_mro(ob: Ob, _: *mut c_void) -> Own {
    Own::share((*ob.cast::<crate::layout::PyTypeObject>()).tp_mro)
}

/// `type.__base__`
#[slot]
unsafe fn get_base(ob: Ob, _: *mut c_void) -> Own {
    let base = (*ob.cast::<crate::layout::PyTypeObject>()).tp_base;
    Own::share(if base.is_null() { crate::object::none() } else { base.cast() })
}

/// `type.__doc__`
#[slot]
unsafe fn get_doc(ob: Ob, _: *mut c_void) -> Res<Own> {
    let ty: Ty = ob.cast();
    if let Some(doc) = dict::get((*ty).tp_dict, names::get("__doc__").ob())? {
        return Ok(Own::share(doc));
    }
    if (*ty).tp_doc.is_null() {
        return Ok(Own::share(crate::object::none()));
    }
    let text = std::ffi::CStr::from_ptr((*ty).tp_doc).to_string_lossy();
    crate::unicode::from_str(crate::method::doc_of(&text))
}

/// `object.__class__`
#[slot]
unsafe fn get_class(ob: Ob, _: *mut c_void) -> Own {
    Own::share(type_of(ob).cast())
}

const fn computed(name: &'static std::ffi::CStr, get: crate::layout::getter) -> PyGetSetDef {
    PyGetSetDef { name: name.as_ptr(), get: Some(get), set: None, doc: ptr::null(), closure: null_mut() }
}

/// The end of a table.
pub const END: PyGetSetDef =
    PyGetSetDef { name: ptr::null(), get: None, set: None, doc: ptr::null(), closure: null_mut() };

static mut TYPE_GETSET: [PyGetSetDef; 8] = [
    computed(c"__name__", c_get_name),
    computed(c"__qualname__", c_get_name),
    computed(c"__module__", c_get_module),
    computed(c"__dict__", c_get_dict),
    computed(c"__mro__", c_get_mro),
    computed(c"__base__", c_get_base),
    computed(c"__doc__", c_get_doc),
    END,
];
static mut INSTANCE_GETSET: [PyGetSetDef; 2] =
    [PyGetSetDef { set: Some(c_set_instance_dict), ..computed(c"__dict__", c_get_instance_dict) }, END];
static mut OBJECT_GETSET: [PyGetSetDef; 2] = [computed(c"__class__", c_get_class), END];

/// The computed attributes of types.
pub const fn getset() -> *mut PyGetSetDef {
    (&raw mut TYPE_GETSET).cast()
}

/// The computed attributes of instances that have a dict.
pub const fn instance_getset() -> *mut PyGetSetDef {
    (&raw mut INSTANCE_GETSET).cast()
}

/// The computed attributes of all objects.
pub const fn object_getset() -> *mut PyGetSetDef {
    (&raw mut OBJECT_GETSET).cast()
}
