//! The exception of a thread: set, asked for, taken and put back.
//!
//! Three references per thread, as in CPython before 3.12: type, value, traceback. Type is null when nothing is raised.
//! The value may be anything until it is *normalised* to an instance of the type.

use crate::answer::{Raised, Res};
use crate::exc;
use crate::layout::{NULL, Ob, Ty, flag, has, type_of};
use crate::own::{Own, incref, xdecref};
use crate::runtime::raised;
use crate::unicode;
use handfast_cpyext_macros::{capi, contract};
use std::ffi::{CStr, c_char, c_int, c_long};
use std::ptr;

/// An exception that was taken from a thread, to be put back.
pub type Triple = [Ob; 3];

/// Takes the exception away.
pub fn take() -> Triple {
    raised().replace([NULL; 3])
}

/// Puts an exception back, or none, instead of what is raised.
pub fn restore(triple: Triple) {
    for ob in raised().replace(triple) {
        xdecref(ob);
    }
}

/// Nothing is raised any more.
pub fn clear() {
    restore([NULL; 3]);
}

/// Whether something is raised.
#[inline]
pub fn is_raised() -> bool {
    !raised().get()[0].is_null()
}

/// Raises an exception of this type with this text.
pub fn raise<T>(ty: Ob, text: &str) -> Res<T> {
    // SAFETY: [X1] an exception type.
    unsafe {
        if let Ok(text) = unicode::from_str(text) {
            set_object(ty, text.ob());
        }
    }
    Err(Raised)
}

#[contract]
unsafe fn set_object(ty: Ob, value: Ob) {
    incref(ty);
    if !value.is_null() {
        incref(value);
    }
    restore([ty, value, NULL]);
}

/// A `TypeError`.
pub fn type_error<T>(text: &str) -> Res<T> {
    // SAFETY: [X5] set once, when the runtime starts.
    raise(unsafe { exc::PyExc_TypeError }, text)
}

/// A `ValueError`.
pub fn value_error<T>(text: &str) -> Res<T> {
    // SAFETY: [X5] as above.
    raise(unsafe { exc::PyExc_ValueError }, text)
}

/// An `OverflowError`.
pub fn overflow<T>(text: &str) -> Res<T> {
    // SAFETY: [X5] as above.
    raise(unsafe { exc::PyExc_OverflowError }, text)
}

/// An `IndexError`.
pub fn index_error<T>(text: &str) -> Res<T> {
    // SAFETY: [X5] as above.
    raise(unsafe { exc::PyExc_IndexError }, text)
}

/// A `SystemError`: C has called wrongly.
#[cold]
#[inline(never)]
pub fn bad_internal_call<T>(text: &str) -> Res<T> {
    // SAFETY: [X5] as above.
    raise(unsafe { exc::PyExc_SystemError }, text)
}

/// An `AttributeError`.
pub fn attribute_error<T>(text: &str) -> Res<T> {
    // SAFETY: [X5] as above.
    raise(unsafe { exc::PyExc_AttributeError }, text)
}

/// A `KeyError` for this key.
pub fn key_error<T>(key: Ob) -> Res<T> {
    // SAFETY: [X1] a live key; a tuple as a value would be taken for the arguments.
    unsafe {
        if let Ok(args) = crate::tuple::pack(&[key]) {
            set_object(exc::PyExc_KeyError, args.ob());
        }
    }
    Err(Raised)
}

/// Memory is out.
#[cold]
pub fn no_memory<T>() -> Res<T> {
    // SAFETY: [X5] as above; allocates nothing: an instance is made when somebody asks for it.
    unsafe { set_object(exc::PyExc_MemoryError, NULL) };
    Err(Raised)
}

/// Whether what is raised is of this type.
pub fn matches(ty: Ob) -> bool {
    let current = raised().get()[0];
    // SAFETY: [X1] a type that is raised.
    !current.is_null() && unsafe { PyErr_GivenExceptionMatches(current, ty) } != 0
}

/// The type that is raised, borrowed, or NULL.
#[capi]
pub unsafe fn PyErr_Occurred() -> Ob {
    raised().get()[0]
}

/// Nothing is raised any more.
#[capi]
pub unsafe fn PyErr_Clear() {
    clear();
}

/// Raises a type with a value.
#[capi]
pub unsafe fn PyErr_SetObject(ty: Ob, value: Ob) {
    set_object(ty, value);
}

/// Raises a type without a value.
#[capi]
pub unsafe fn PyErr_SetNone(ty: Ob) {
    set_object(ty, NULL);
}

/// Raises a type with a text.
#[capi]
pub unsafe fn PyErr_SetString(ty: Ob, text: *const c_char) {
    let text = CStr::from_ptr(text).to_string_lossy();
    let _ = raise::<()>(ty, &text);
}

/// Memory is out; answers NULL.
#[capi]
pub unsafe fn PyErr_NoMemory() -> Ob {
    let _ = no_memory::<()>();
    NULL
}

/// Arguments are of a wrong type.
#[capi]
pub unsafe fn PyErr_BadArgument() -> c_int {
    let _ = type_error::<()>("bad argument type for built-in operation");
    0
}

/// C has called the API wrongly.
#[capi]
pub unsafe fn PyErr_BadInternalCall() {
    let _ = bad_internal_call::<()>("bad argument to internal function");
}

/// Whether a given exception (type or instance) is of a type, or of one of a tuple of types.
#[capi]
pub unsafe fn PyErr_GivenExceptionMatches(given: Ob, wanted: Ob) -> c_int {
    if given.is_null() || wanted.is_null() {
        return 0;
    }
    if has(wanted, flag::TUPLE) {
        return c_int::from(
            crate::tuple::items_of(wanted).iter().any(|&one| PyErr_GivenExceptionMatches(given, one) != 0),
        );
    }
    let given = if has(given, flag::EXCEPTION) { type_of(given).cast() } else { given };
    if exc::is_exception_type(given) && exc::is_exception_type(wanted) {
        return crate::types::PyType_IsSubtype(given.cast(), wanted.cast());
    }
    c_int::from(ptr::eq(given, wanted))
}

/// Whether what is raised is of a type.
#[capi]
pub unsafe fn PyErr_ExceptionMatches(wanted: Ob) -> c_int {
    PyErr_GivenExceptionMatches(raised().get()[0], wanted)
}

/// Takes what is raised: three references of the caller's.
#[capi]
pub unsafe fn PyErr_Fetch(ty: *mut Ob, value: *mut Ob, traceback: *mut Ob) {
    let [t, v, tb] = take();
    (*ty, *value, *traceback) = (t, v, tb);
}

/// Puts back what was taken; steals the references.
#[capi]
pub unsafe fn PyErr_Restore(ty: Ob, value: Ob, traceback: Ob) {
    restore([ty, value, traceback]);
}

/// Makes the value an instance of the type.
#[capi]
pub unsafe fn PyErr_NormalizeException(ty: *mut Ob, value: *mut Ob, _traceback: *mut Ob) {
    if (*ty).is_null() || !exc::is_exception_type(*ty) {
        return;
    }
    let given = *value;
    if !given.is_null()
        && has(given, flag::EXCEPTION)
        && crate::types::PyType_IsSubtype(type_of(given), (*ty).cast()) != 0
    {
        // The instance may be of a subtype.
        let exact: Ob = type_of(given).cast();
        incref(exact);
        xdecref(std::mem::replace(&mut *ty, exact));
        return;
    }
    match exc::make((*ty).cast::<crate::layout::PyTypeObject>() as Ty, given) {
        Ok(instance) => xdecref(std::mem::replace(&mut *value, instance.into_raw())),
        Err(Raised) => {
            // What went wrong takes the place of what was raised.
            let [t, v, tb] = take();
            xdecref(std::mem::replace(&mut *ty, t));
            xdecref(std::mem::replace(&mut *value, v));
            xdecref(tb);
            PyErr_NormalizeException(ty, value, _traceback);
        }
    }
}

/// Takes what is raised as an instance; `None` when nothing is.
#[contract]
pub unsafe fn take_instance() -> Option<Own> {
    let [mut ty, mut value, mut traceback] = take();
    if ty.is_null() {
        return None;
    }
    PyErr_NormalizeException(&raw mut ty, &raw mut value, &raw mut traceback);
    xdecref(ty);
    xdecref(traceback);
    Own::new(value)
}

/// Raises a type with what the operating system says of `errno`.
#[capi]
pub unsafe fn PyErr_SetFromErrno(ty: Ob) -> Ob {
    let error = std::io::Error::last_os_error();
    let code = error.raw_os_error().unwrap_or(0);
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text).to_owned();
    if let (Ok(code), Ok(text)) = (crate::long::PyLong_FromLong(c_long::from(code)), unicode::from_str(&text))
        && let Ok(args) = crate::tuple::pack(&[code.ob(), text.ob()])
    {
        set_object(ty, args.ob());
    }
    NULL
}

/// Warns: on standard error, once for each text.
#[capi]
pub unsafe fn PyErr_WarnEx(category: Ob, text: *const c_char, _stack_level: isize) -> Res<()> {
    crate::warn::warn(category, &CStr::from_ptr(text).to_string_lossy())
}

/// Makes an exception type `module.Name`.
#[capi]
pub unsafe fn PyErr_NewException(name: *const c_char, base: Ob, dict: Ob) -> Res<Own> {
    exc::new_type(CStr::from_ptr(name), base, dict)
}

/// As `PyErr_NewException`, with a documentation.
#[capi]
pub unsafe fn PyErr_NewExceptionWithDoc(name: *const c_char, doc: *const c_char, base: Ob, dict: Ob) -> Res<Own> {
    let ty = exc::new_type(CStr::from_ptr(name), base, dict)?;
    if !doc.is_null() {
        let text = unicode::PyUnicode_FromString(doc)?;
        crate::dict::set(
            (*ty.ob().cast::<crate::layout::PyTypeObject>()).tp_dict,
            crate::names::get("__doc__").ob(),
            text.ob(),
        )?;
    }
    Ok(ty)
}

/// Prints what is raised, and clears it.
#[capi]
pub unsafe fn PyErr_Print() {
    if let Some(text) = describe() {
        eprintln!("{text}");
    }
}

/// Prints what is raised where nobody can be told, and clears it.
#[capi]
pub unsafe fn PyErr_WriteUnraisable(ob: Ob) {
    if let Some(text) = describe() {
        let of = if ob.is_null() { String::new() } else { crate::object::repr_text(ob) };
        eprintln!("Exception ignored in: {of}\n{text}");
    }
}

/// `Type: text` of what is raised, which is cleared.
#[contract]
pub unsafe fn describe() -> Option<String> {
    let instance = take_instance()?;
    let name = crate::types::name_of(type_of(instance.ob()));
    let text = crate::object::PyObject_Str(instance.ob()).map(|text| unicode::to_text(text.ob())).unwrap_or_default();
    clear();
    Some(if text.is_empty() { name } else { format!("{name}: {text}") })
}
