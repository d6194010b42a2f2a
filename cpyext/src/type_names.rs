//! Names of types, for messages and `repr`.

use crate::layout::{Ob, Ty, type_of};
use std::ffi::CStr;

/// The last part of a type's name.
pub fn name_of(ty: Ty) -> String {
    let name = tp_name(ty);
    name.rsplit('.').next().unwrap_or(&name).to_owned()
}

fn tp_name(ty: Ty) -> String {
    // SAFETY: [X2] a live type; its name is a C string.
    let name = unsafe { (*ty).tp_name };
    if name.is_null() {
        return "?".into();
    }
    // SAFETY: [X2] as above.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

/// The name of an object's type, as messages have it (with its module, as `tp_name` says).
pub fn kind_of(ob: Ob) -> String {
    if ob.is_null() { "NULL".into() } else { tp_name(type_of(ob)) }
}

/// The name with its module, if it has one.
pub fn full_name(ty: Ty) -> String {
    tp_name(ty)
}
