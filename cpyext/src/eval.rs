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

/// The exception that was raised, which is taken away.
pub(crate) fn raised() -> Exception {
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

/// `object.name = value`; of `None`, `del object.name`.
///
/// # Errors
/// What it raised.
pub fn set_attribute(ob: &Own, name: &str, value: Option<&Own>) -> Result<(), Exception> {
    let value = value.map_or(layout::NULL, Own::ob);
    // SAFETY: [X1] held objects and an interned name.
    unsafe { attr::PyObject_SetAttr(ob.ob(), names::get(name).ob(), value) }.map_err(|_| raised())
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

/// Makes an exception type `module.name`, in a module that is made if it is not there.
///
/// # Errors
/// What it raised.
pub fn add_exception(module: &str, name: &str) -> Result<(), Exception> {
    let c = |text: &str| std::ffi::CString::new(text).unwrap_or_default();
    // SAFETY: [X1] C strings; on an entered thread.
    let made = unsafe {
        let full = c(&format!("{module}.{name}"));
        import::PyImport_AddModule(c(module).as_ptr()).and_then(|home| {
            let ty = crate::exc::new_type(&full, layout::NULL, layout::NULL)?;
            crate::module::PyModule_AddObjectRef(home, c(name).as_ptr(), ty.ob())
        })
    };
    made.map_err(|_| raised())
}

/// Calls with one str that begins on the heap, if it is ASCII.
///
/// # Errors
/// What it raised.
pub fn call_on_heap(callable: &Own, argument: &str) -> Result<Own, Exception> {
    if !argument.is_ascii() {
        return call(callable, &[&text(argument)]);
    }
    // SAFETY: [X1] on an entered thread; nothing collects between the two.
    let mirror = unsafe { crate::native::ascii(argument).map(|p| Own::new(crate::cross::to_c(p))) };
    match mirror {
        Ok(Some(mirror)) => call(callable, &[&mirror]),
        _ => Err(raised()),
    }
}

/// Objects that the heap keeps, by numbers: a dict.
#[derive(Debug)]
pub struct Kept(Own, std::cell::Cell<i64>);

impl Default for Kept {
    fn default() -> Kept {
        Kept::new()
    }
}

impl Kept {
    /// None yet.
    pub fn new() -> Kept {
        // SAFETY: [X1] on an entered thread.
        Kept(unsafe { crate::dict::new() }.expect("memory for a dict"), std::cell::Cell::new(0))
    }

    /// Keeps an object, under the next number modulo 1000: what was there before goes.
    ///
    /// # Errors
    /// What it raised.
    pub fn push(&self, ob: &Own) -> Result<(), Exception> {
        let number = self.1.replace(self.1.get() + 1);
        // SAFETY: [X1] held objects.
        unsafe { crate::dict::set(self.0.ob(), int(number % 1000).ob(), ob.ob()) }.map_err(|_| raised())
    }

    /// How many were kept.
    pub fn len(&self) -> usize {
        self.1.get() as usize
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The value of a float or an int; NaN of anything else.
pub fn number(ob: &Own) -> f64 {
    // SAFETY: [X1] a held object.
    unsafe { crate::float::PyFloat_AsDouble(ob.ob()) }.unwrap_or_else(|_| {
        err::clear();
        f64::NAN
    })
}

/// `class name: pass`
///
/// # Errors
/// What it raised.
pub fn class(name: &str) -> Result<Own, Exception> {
    let name = std::ffi::CString::new(name).unwrap_or_default();
    // SAFETY: [X1] `object` is a type; on an entered thread.
    unsafe { crate::type_spec::derive(&name, &raw mut types::PyBaseObject_Type, layout::NULL) }.map_err(|_| raised())
}

/// A dict of strs.
///
/// # Panics
/// When memory is out.
pub fn dict_of(entries: impl IntoIterator<Item = (String, Own)>) -> Own {
    // SAFETY: [X1] on an entered thread; held objects.
    unsafe {
        let made = crate::dict::new().expect("memory for a dict");
        for (name, value) in entries {
            crate::dict::set(made.ob(), names::get(&name).ob(), value.ob()).expect("memory for a dict");
        }
        made
    }
}
