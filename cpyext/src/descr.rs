//! Descriptors: what a type's dict has for its methods, members and computed attributes.

use crate::answer::{Res, owned, status};
use crate::err;
use crate::layout::{NULL, Ob, PyGetSetDef, PyMemberDef, PyMethodDef, PyObject, Ty, type_of};
use crate::method::{self, METH_CLASS, METH_STATIC};
use crate::own::Own;
use crate::types::{
    PyClassMethodDescr_Type, PyGetSetDescr_Type, PyMemberDescr_Type, PyMethodDescr_Type, PyType_IsSubtype,
};
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{CStr, c_char, c_void};

/// A descriptor: the type that it is of, and the entry of the table that it is for. Both live for ever.
#[repr(C)]
#[derive(Debug)]
pub struct Descriptor {
    ob_base: PyObject,
    pub(crate) d_type: Ty,
    pub(crate) entry: *mut c_void,
}

#[contract]
unsafe fn make(kind: Ty, ty: Ty, entry: *mut c_void) -> Res<Own> {
    let ob = crate::types::alloc_instance(kind, 0)?;
    let this = ob.ob().cast::<Descriptor>();
    ((*this).d_type, (*this).entry) = (ty, entry);
    Ok(ob)
}

/// A descriptor of another kind.
#[contract]
pub unsafe fn other(kind: Ty, ty: Ty, entry: *const c_void) -> Res<Own> {
    make(kind, ty, entry.cast_mut())
}

/// For a method.
#[contract]
pub unsafe fn of_method(ty: Ty, entry: *mut PyMethodDef) -> Res<Own> {
    if (*entry).ml_flags & METH_STATIC != 0 {
        return method::new(entry, ty.cast(), NULL, std::ptr::null_mut());
    }
    let kind = if (*entry).ml_flags & METH_CLASS != 0 {
        &raw mut PyClassMethodDescr_Type
    } else {
        &raw mut PyMethodDescr_Type
    };
    make(kind, ty, entry.cast())
}

/// For a member.
#[contract]
pub unsafe fn of_member(ty: Ty, entry: *mut PyMemberDef) -> Res<Own> {
    make(&raw mut PyMemberDescr_Type, ty, entry.cast())
}

/// For a computed attribute.
#[contract]
pub unsafe fn of_getset(ty: Ty, entry: *mut PyGetSetDef) -> Res<Own> {
    make(&raw mut PyGetSetDescr_Type, ty, entry.cast())
}

/// A descriptor for a method.
#[capi]
pub unsafe fn PyDescr_NewMethod(ty: Ty, entry: *mut PyMethodDef) -> Res<Own> {
    of_method(ty, entry)
}

/// A descriptor for a method of a type.
#[capi]
pub unsafe fn PyDescr_NewClassMethod(ty: Ty, entry: *mut PyMethodDef) -> Res<Own> {
    make(&raw mut PyClassMethodDescr_Type, ty, entry.cast())
}

#[contract]
unsafe fn name<'a>(this: *mut Descriptor) -> std::borrow::Cow<'a, str> {
    // The first field of every table's entry is its name.
    CStr::from_ptr((*this).entry.cast::<*const c_char>().read()).to_string_lossy()
}

/// Frees a descriptor.
#[slot]
pub unsafe fn dealloc(ob: Ob) {
    crate::types::free(ob);
}

/// `<method 'name' of 'type' objects>`
#[slot]
pub unsafe fn repr(ob: Ob) -> Res<Own> {
    let this = ob.cast::<Descriptor>();
    let kind = if std::ptr::eq(type_of(ob), &raw mut PyMemberDescr_Type) {
        "member"
    } else if std::ptr::eq(type_of(ob), &raw mut PyGetSetDescr_Type) {
        "attribute"
    } else {
        "method"
    };
    let of = crate::types::full_name((*this).d_type);
    crate::unicode::from_str(&format!("<{kind} '{}' of '{of}' objects>", name(this)))
}

/// Refuses instances of other types: their memory is laid out otherwise.
#[contract]
pub unsafe fn check(this: *mut Descriptor, ob: Ob) -> Res<()> {
    if PyType_IsSubtype(type_of(ob), (*this).d_type) != 0 {
        return Ok(());
    }
    let (of, kind) = (crate::types::full_name((*this).d_type), crate::types::kind_of(ob));
    err::type_error(&format!("descriptor '{}' for '{of}' objects doesn't apply to a '{kind}' object", name(this)))
}

/// A method of an instance: bound.
#[slot]
pub unsafe fn method_get(ob: Ob, instance: Ob, _ty: Ob) -> Res<Own> {
    let this = ob.cast::<Descriptor>();
    if instance.is_null() {
        return Ok(Own::share(ob));
    }
    check(this, instance)?;
    method::new((*this).entry.cast(), instance, NULL, (*this).d_type)
}

/// A method called through its type: the first argument is the instance.
#[slot]
pub unsafe fn method_call(ob: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    let this = ob.cast::<Descriptor>();
    let [instance, rest @ ..] = crate::tuple::items_of(args) else {
        let of = crate::types::full_name((*this).d_type);
        return err::type_error(&format!("unbound method {of}.{}() needs an argument", name(this)));
    };
    check(this, *instance)?;
    let bound = method::new((*this).entry.cast(), *instance, NULL, (*this).d_type)?;
    let rest = crate::tuple::pack(rest)?;
    crate::call::PyObject_Call(bound.ob(), rest.ob(), kwargs)
}

/// A method of a type: bound to the type.
#[slot]
pub unsafe fn class_method_get(ob: Ob, instance: Ob, ty: Ob) -> Res<Own> {
    let this = ob.cast::<Descriptor>();
    let ty = if ty.is_null() { type_of(instance).cast() } else { ty };
    method::new((*this).entry.cast(), ty, NULL, (*this).d_type)
}

/// The value of a member.
#[slot]
pub unsafe fn member_get(ob: Ob, instance: Ob, _ty: Ob) -> Res<Own> {
    let this = ob.cast::<Descriptor>();
    if instance.is_null() {
        return Ok(Own::share(ob));
    }
    check(this, instance)?;
    crate::member::get(instance.cast(), (*this).entry.cast())
}

/// Sets a member.
#[slot]
pub unsafe fn member_set(ob: Ob, instance: Ob, value: Ob) -> Res<()> {
    let this = ob.cast::<Descriptor>();
    check(this, instance)?;
    crate::member::set(instance.cast(), (*this).entry.cast(), value)
}

/// The value of a computed attribute.
#[slot]
pub unsafe fn getset_get(ob: Ob, instance: Ob, _ty: Ob) -> Res<Own> {
    let this = ob.cast::<Descriptor>();
    if instance.is_null() {
        return Ok(Own::share(ob));
    }
    check(this, instance)?;
    let entry = (*this).entry.cast::<PyGetSetDef>();
    match (*entry).get {
        Some(get) => owned(get(instance, (*entry).closure)),
        None => {
            let of = crate::types::full_name((*this).d_type);
            err::attribute_error(&format!("attribute '{}' of '{of}' objects is not readable", name(this)))
        }
    }
}

/// Sets a computed attribute.
#[slot]
pub unsafe fn getset_set(ob: Ob, instance: Ob, value: Ob) -> Res<()> {
    let this = ob.cast::<Descriptor>();
    check(this, instance)?;
    let entry = (*this).entry.cast::<PyGetSetDef>();
    match (*entry).set {
        Some(set) => status(set(instance, value, (*entry).closure)),
        None => {
            let of = crate::types::full_name((*this).d_type);
            err::attribute_error(&format!("attribute '{}' of '{of}' objects is not writable", name(this)))
        }
    }
}
