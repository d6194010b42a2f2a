//! The functions and objects of the C-API that a replay needs: all there is between it and an implementation.
//!
//! Names, signatures and meanings are CPython's (its C-API reference manual, 3.11). Nothing here knows how an object is
//! laid out. A program that links this crate brings the implementation.

#![allow(missing_docs, reason = "CPython's manual documents its functions")]

use std::ffi::{c_char, c_double, c_int, c_longlong, c_uint, c_ulonglong, c_void};

/// An object: never looked into.
#[repr(C)]
pub struct PyObject {
    _private: [u8; 0],
}

/// A pointer to an object, null where the manual says so.
pub type Ob = *mut PyObject;
/// CPython's `Py_ssize_t`.
pub type Size = isize;

/// CPython's `PyMethodDef`.
#[repr(C)]
pub struct PyMethodDef {
    pub name: *const c_char,
    pub function: Option<unsafe extern "C" fn(Ob, Ob) -> Ob>,
    pub flags: c_int,
    pub doc: *const c_char,
}

/// CPython's `PyType_Slot`.
#[repr(C)]
pub struct PyTypeSlot {
    pub slot: c_int,
    pub value: *mut c_void,
}

/// CPython's `PyType_Spec`.
#[repr(C)]
pub struct PyTypeSpec {
    pub name: *const c_char,
    pub basicsize: c_int,
    pub itemsize: c_int,
    pub flags: c_uint,
    pub slots: *mut PyTypeSlot,
}

/// CPython's `Py_sq_item`.
pub const SQ_ITEM: c_int = 44;
/// CPython's `Py_sq_length`.
pub const SQ_LENGTH: c_int = 45;
/// CPython's `Py_tp_methods`.
pub const TP_METHODS: c_int = 64;

/// CPython's `METH_VARARGS`.
pub const METH_VARARGS: c_int = 1;

unsafe extern "C" {
    pub static mut _Py_NoneStruct: PyObject;
    pub static mut _Py_TrueStruct: PyObject;
    pub static mut _Py_FalseStruct: PyObject;
    pub static mut PyBaseObject_Type: PyObject;
    pub static mut PyType_Type: PyObject;
    pub static mut PyBool_Type: PyObject;
    pub static mut PyLong_Type: PyObject;
    pub static mut PyFloat_Type: PyObject;
    pub static mut PyUnicode_Type: PyObject;
    pub static mut PyBytes_Type: PyObject;
    pub static mut PyByteArray_Type: PyObject;
    pub static mut PyTuple_Type: PyObject;
    pub static mut PyList_Type: PyObject;
    pub static mut PyDict_Type: PyObject;
    pub static mut PyExc_Exception: Ob;
    pub static mut PyExc_TypeError: Ob;
    pub static mut PyExc_ValueError: Ob;
    pub static mut PyExc_KeyError: Ob;
    pub static mut PyExc_IndexError: Ob;
    pub static mut PyExc_RuntimeError: Ob;

    pub fn Py_IncRef(o: Ob);
    pub fn Py_DecRef(o: Ob);

    pub fn PyErr_Occurred() -> Ob;
    pub fn PyErr_Clear();
    pub fn PyErr_Fetch(kind: *mut Ob, value: *mut Ob, traceback: *mut Ob);
    pub fn PyErr_NormalizeException(kind: *mut Ob, value: *mut Ob, traceback: *mut Ob);
    pub fn PyErr_SetString(kind: Ob, message: *const c_char);
    pub fn PyErr_NewException(name: *const c_char, base: Ob, dict: Ob) -> Ob;

    pub fn PyLong_FromLongLong(v: c_longlong) -> Ob;
    pub fn PyLong_AsLongLong(o: Ob) -> c_longlong;
    pub fn PyLong_AsUnsignedLongLongMask(o: Ob) -> c_ulonglong;
    pub fn PyLong_FromString(text: *const c_char, end: *mut *mut c_char, base: c_int) -> Ob;
    pub fn PyFloat_FromDouble(v: c_double) -> Ob;
    pub fn PyFloat_AsDouble(o: Ob) -> c_double;
    pub fn PyUnicode_FromStringAndSize(text: *const c_char, size: Size) -> Ob;
    pub fn PyUnicode_AsUTF8AndSize(o: Ob, size: *mut Size) -> *const c_char;
    pub fn PyBytes_FromStringAndSize(bytes: *const c_char, size: Size) -> Ob;
    pub fn PyBytes_AsString(o: Ob) -> *mut c_char;
    pub fn PyBytes_Size(o: Ob) -> Size;
    pub fn PyByteArray_FromStringAndSize(bytes: *const c_char, size: Size) -> Ob;
    pub fn PyByteArray_AsString(o: Ob) -> *mut c_char;
    pub fn PyByteArray_Size(o: Ob) -> Size;
    pub fn PyMemoryView_FromObject(o: Ob) -> Ob;

    pub fn PyTuple_New(size: Size) -> Ob;
    /// Steals the item, also when it fails.
    pub fn PyTuple_SetItem(o: Ob, index: Size, item: Ob) -> c_int;
    /// Borrowed.
    pub fn PyTuple_GetItem(o: Ob, index: Size) -> Ob;
    pub fn PyTuple_Size(o: Ob) -> Size;
    pub fn PyList_New(size: Size) -> Ob;
    pub fn PyList_Append(o: Ob, item: Ob) -> c_int;
    pub fn PyList_Insert(o: Ob, index: Size, item: Ob) -> c_int;
    /// Borrowed.
    pub fn PyList_GetItem(o: Ob, index: Size) -> Ob;
    pub fn PyList_Size(o: Ob) -> Size;
    pub fn PyList_SetSlice(o: Ob, low: Size, high: Size, items: Ob) -> c_int;
    pub fn PyDict_New() -> Ob;
    pub fn PyDict_SetItem(o: Ob, key: Ob, value: Ob) -> c_int;
    /// Gives borrowed references.
    pub fn PyDict_Next(o: Ob, position: *mut Size, key: *mut Ob, value: *mut Ob) -> c_int;
    pub fn PyDict_Size(o: Ob) -> Size;

    pub fn PyType_FromSpec(spec: *mut PyTypeSpec) -> Ob;
    pub fn PyObject_Type(o: Ob) -> Ob;
    pub fn PyObject_Call(callable: Ob, args: Ob, kwargs: Ob) -> Ob;
    pub fn PyObject_CallObject(callable: Ob, args: Ob) -> Ob;
    pub fn PyObject_GetAttrString(o: Ob, name: *const c_char) -> Ob;
    pub fn PyObject_SetAttrString(o: Ob, name: *const c_char, value: Ob) -> c_int;
    pub fn PyObject_GetItem(o: Ob, key: Ob) -> Ob;
    pub fn PyObject_SetItem(o: Ob, key: Ob, value: Ob) -> c_int;
    pub fn PyObject_DelItem(o: Ob, key: Ob) -> c_int;
    pub fn PyObject_Size(o: Ob) -> Size;
    pub fn PyObject_IsTrue(o: Ob) -> c_int;
    pub fn PyObject_Hash(o: Ob) -> Size;
    pub fn PyObject_Repr(o: Ob) -> Ob;
    pub fn PyObject_Str(o: Ob) -> Ob;
    pub fn PyObject_GetIter(o: Ob) -> Ob;
    pub fn PyObject_RichCompare(a: Ob, b: Ob, op: c_int) -> Ob;
    pub fn PyIter_Check(o: Ob) -> c_int;
    pub fn PyIter_Next(o: Ob) -> Ob;
    pub fn PySequence_Contains(o: Ob, item: Ob) -> c_int;

    pub fn PyNumber_Add(a: Ob, b: Ob) -> Ob;
    pub fn PyNumber_Subtract(a: Ob, b: Ob) -> Ob;
    pub fn PyNumber_Multiply(a: Ob, b: Ob) -> Ob;
    pub fn PyNumber_TrueDivide(a: Ob, b: Ob) -> Ob;
    pub fn PyNumber_Or(a: Ob, b: Ob) -> Ob;
    pub fn PyNumber_Negative(o: Ob) -> Ob;

    /// `PyCFunction_New` of the manual is a macro for it.
    pub fn PyCFunction_NewEx(definition: *mut PyMethodDef, this: Ob, module: Ob) -> Ob;
    /// Borrowed.
    pub fn PyImport_AddModule(name: *const c_char) -> Ob;
}
