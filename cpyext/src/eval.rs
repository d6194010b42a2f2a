//! A few values and calls for hosts: what a driver of an extension needs, without the API's raw addresses.
//!
//! All functions are for threads that have entered the [`Runtime`](crate::Runtime), and raise as [`Exception`].

use crate::own::Own;
use crate::{attr, bytes, call, err, import, layout, list, long, names, object, types, unicode};
use std::fmt;

/// An exception that a call raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The name of its type.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.text)
    }
}

impl std::error::Error for Exception {}

fn raised() -> Exception {
    // SAFETY: [X1] on an entered thread.
    unsafe {
        let Some(instance) = err::take_instance() else {
            return Exception { name: "SystemError".into(), text: "an error without an exception".into() };
        };
        let name = types::name_of(layout::type_of(instance.ob()));
        let text = object::PyObject_Str(instance.ob()).map(|text| unicode::to_text(text.ob())).unwrap_or_default();
        err::clear();
        Exception { name, text }
    }
}

/// `str(object)`; the exception's text when that raises.
pub fn str_of(ob: &Own) -> String {
    // SAFETY: [X1] a held object.
    match unsafe { object::PyObject_Str(ob.ob()) } {
        // SAFETY: [X1] a str.
        Ok(text) => unsafe { unicode::to_text(text.ob()) },
        Err(_) => raised().to_string(),
    }
}

/// An int.
///
/// # Panics
/// When memory is out, as all functions here that make an object.
pub fn int(value: i64) -> Own {
    // SAFETY: [X1] on an entered thread.
    unsafe { long::from_i64(value) }.expect("memory for an int")
}

/// A str.
pub fn text(value: &str) -> Own {
    // SAFETY: [X1] on an entered thread.
    unsafe { unicode::from_str(value) }.expect("memory for a str")
}

/// Bytes.
pub fn byte_string(value: &[u8]) -> Own {
    // SAFETY: [X1] on an entered thread.
    unsafe { bytes::from_slice(value) }.expect("memory for bytes")
}

/// A list of ints.
pub fn list_of_ints(values: &[i64]) -> Own {
    list_of(values.iter().map(|&value| int(value)).collect())
}

/// A list.
pub fn list_of(items: Vec<Own>) -> Own {
    // SAFETY: [X1] held objects.
    unsafe { list::from_vec(items) }.expect("memory for a list")
}

/// A module that is loaded.
///
/// # Errors
/// What the import raised.
pub fn module(name: &str) -> Result<Own, Exception> {
    // SAFETY: [X1] on an entered thread.
    match unsafe { import::find(name) } {
        Ok(Some(module)) => Ok(module),
        Ok(None) => Err(Exception { name: "ModuleNotFoundError".into(), text: format!("No module named '{name}'") }),
        Err(_) => Err(raised()),
    }
}

/// `object.name`
///
/// # Errors
/// What it raised.
pub fn attribute(ob: &Own, name: &str) -> Result<Own, Exception> {
    // SAFETY: [X1] a held object and an interned name.
    unsafe { attr::PyObject_GetAttr(ob.ob(), names::get(name).ob()) }.map_err(|_| raised())
}

/// `callable(...)`
///
/// # Errors
/// What it raised.
pub fn call(callable: &Own, args: &[&Own]) -> Result<Own, Exception> {
    let values: Vec<layout::Ob> = args.iter().map(|arg| arg.ob()).collect();
    // SAFETY: [X1] held objects.
    unsafe { call::with(callable.ob(), &values) }.map_err(|_| raised())
}

/// `object.name(...)`
///
/// # Errors
/// What it raised.
pub fn call_method(ob: &Own, name: &str, args: &[&Own]) -> Result<Own, Exception> {
    call(&attribute(ob, name)?, args)
}
