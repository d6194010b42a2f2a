//! Capsules: a pointer of C's in an object.

use crate::answer::Res;
use crate::err;
use crate::layout::{Ob, PyObject, destructor, type_of};
use crate::own::Own;
use crate::types::PyCapsule_Type;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

/// A capsule.
#[repr(C)]
#[derive(Debug)]
pub struct PyCapsule {
    ob_base: PyObject,
    pointer: *mut c_void,
    name: *const c_char,
    context: *mut c_void,
    destructor: Option<destructor>,
}

#[contract]
unsafe fn head<'a>(ob: Ob) -> &'a mut PyCapsule {
    &mut *ob.cast()
}

/// A capsule; the pointer is not null.
#[capi]
pub unsafe fn PyCapsule_New(pointer: *mut c_void, name: *const c_char, destructor: Option<destructor>) -> Res<Own> {
    if pointer.is_null() {
        return err::value_error("PyCapsule_New called with null pointer");
    }
    let ob = crate::types::alloc_instance(&raw mut PyCapsule_Type, 0)?;
    let this = head(ob.ob());
    (this.pointer, this.name, this.destructor) = (pointer, name, destructor);
    Ok(ob)
}

/// Runs the destructor and frees a capsule.
#[slot]
pub unsafe fn capsule_dealloc(ob: Ob) {
    if let Some(destructor) = head(ob).destructor {
        destructor(ob);
    }
    crate::types::free(ob);
}

/// Whether an object is a capsule of this name.
#[capi]
pub unsafe fn PyCapsule_IsValid(ob: Ob, name: *const c_char) -> c_int {
    c_int::from(is_valid(ob, name))
}

#[contract]
unsafe fn is_valid(ob: Ob, name: *const c_char) -> bool {
    if ob.is_null() || !ptr::eq(type_of(ob), &raw mut PyCapsule_Type) {
        return false;
    }
    let own = head(ob).name;
    if own.is_null() || name.is_null() {
        own.is_null() && name.is_null()
    } else {
        CStr::from_ptr(own) == CStr::from_ptr(name)
    }
}

/// The pointer of a capsule of this name.
#[capi]
pub unsafe fn PyCapsule_GetPointer(ob: Ob, name: *const c_char) -> Res<*mut c_void> {
    if !is_valid(ob, name) {
        return err::value_error("PyCapsule_GetPointer called with invalid or incorrectly named object");
    }
    Ok(head(ob).pointer)
}

/// The name.
#[capi]
pub unsafe fn PyCapsule_GetName(ob: Ob) -> *const c_char {
    head(ob).name
}

/// The context.
#[capi]
pub unsafe fn PyCapsule_GetContext(ob: Ob) -> *mut c_void {
    head(ob).context
}

/// Sets the context.
#[capi]
pub unsafe fn PyCapsule_SetContext(ob: Ob, context: *mut c_void) -> c_int {
    head(ob).context = context;
    0
}

/// The pointer of a capsule by its name: `module.attribute`.
#[capi]
pub unsafe fn PyCapsule_Import(name: *const c_char, _no_block: c_int) -> Res<*mut c_void> {
    let text = CStr::from_ptr(name).to_string_lossy();
    let mut parts = text.split('.');
    let first = std::ffi::CString::new(parts.next().unwrap_or_default()).unwrap_or_default();
    let mut found = crate::import::PyImport_ImportModule(first.as_ptr())?;
    for part in parts {
        found = crate::attr::PyObject_GetAttr(found.ob(), crate::names::get(part).ob())?;
    }
    if PyCapsule_IsValid(found.ob(), name) == 0 {
        return err::attribute_error(&format!("PyCapsule_Import \"{text}\" is not valid"));
    }
    PyCapsule_GetPointer(found.ob(), name)
}
