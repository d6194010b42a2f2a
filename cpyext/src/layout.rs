//! The structs that C and Rust share: as `include/cpython/*.h` spell them.
//!
//! The order of fields is that of CPython 3.11's headers, because extensions fill some of them by position; the first
//! three words of an object are handfast's. A test below compares sizes and
//! offsets with what a C compiler says.

use crate::own::FOREVER;
use handfast::raw::PyObject as RawObject;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;

/// Any object.
#[repr(C)]
#[derive(Debug)]
pub struct PyObject {
    /// The count: touched through `own` only.
    pub ob_refcnt: isize,
    /// handfast's.
    pub ob_pypy_link: usize,
    /// The type.
    pub ob_type: *mut PyTypeObject,
}

/// The address of an object.
pub type Ob = *mut PyObject;
/// The address of a type.
pub type Ty = *mut PyTypeObject;

/// The same object, as handfast knows it.
#[inline(always)]
pub fn raw_ob(ob: Ob) -> *mut RawObject {
    ob.cast()
}

impl PyObject {
    /// The head of a static object: immortal.
    pub const fn immortal(ob_type: Ty) -> PyObject {
        PyObject { ob_refcnt: FOREVER, ob_pypy_link: 0, ob_type }
    }
}

/// An object with a number of items.
#[repr(C)]
#[derive(Debug)]
pub struct PyVarObject {
    /// The head.
    pub ob_base: PyObject,
    /// Items (of int: negative for negative numbers).
    pub ob_size: isize,
}

macro_rules! function_types {
    ($($(#[$doc:meta])* $name:ident($($arg:ty),*) $(-> $ret:ty)?;)*) => {
        $(#[doc = concat!("C's `", stringify!($name), "`.")]
        #[allow(non_camel_case_types, reason = "the names are CPython's")]
        pub type $name = unsafe extern "C" fn($($arg),*) $(-> $ret)?;)*
    };
}
function_types! {
    destructor(Ob);
    unaryfunc(Ob) -> Ob;
    binaryfunc(Ob, Ob) -> Ob;
    ternaryfunc(Ob, Ob, Ob) -> Ob;
    inquiry(Ob) -> c_int;
    lenfunc(Ob) -> isize;
    ssizeargfunc(Ob, isize) -> Ob;
    ssizeobjargproc(Ob, isize, Ob) -> c_int;
    objobjproc(Ob, Ob) -> c_int;
    objobjargproc(Ob, Ob, Ob) -> c_int;
    hashfunc(Ob) -> isize;
    richcmpfunc(Ob, Ob, c_int) -> Ob;
    getattrfunc(Ob, *mut c_char) -> Ob;
    setattrfunc(Ob, *mut c_char, Ob) -> c_int;
    descrgetfunc(Ob, Ob, Ob) -> Ob;
    descrsetfunc(Ob, Ob, Ob) -> c_int;
    initproc(Ob, Ob, Ob) -> c_int;
    newfunc(Ty, Ob, Ob) -> Ob;
    allocfunc(Ty, isize) -> Ob;
    freefunc(*mut c_void);
    visitproc(Ob, *mut c_void) -> c_int;
    traverseproc(Ob, visitproc, *mut c_void) -> c_int;
    getter(Ob, *mut c_void) -> Ob;
    setter(Ob, Ob, *mut c_void) -> c_int;
    getbufferproc(Ob, *mut Py_buffer, c_int) -> c_int;
    releasebufferproc(Ob, *mut Py_buffer);
    vectorcallfunc(Ob, *const Ob, usize, Ob) -> Ob;
    PyCFunction(Ob, Ob) -> Ob;
}

macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $ty:ty),* $(,)? }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs, reason = "the fields are CPython's")]
        pub struct $name { $(pub $field: $ty),* }
    };
}

table! {
    /// Number operations of a type.
    PyNumberMethods {
        nb_add: Option<binaryfunc>, nb_subtract: Option<binaryfunc>, nb_multiply: Option<binaryfunc>,
        nb_remainder: Option<binaryfunc>, nb_divmod: Option<binaryfunc>, nb_power: Option<ternaryfunc>,
        nb_negative: Option<unaryfunc>, nb_positive: Option<unaryfunc>, nb_absolute: Option<unaryfunc>,
        nb_bool: Option<inquiry>, nb_invert: Option<unaryfunc>, nb_lshift: Option<binaryfunc>,
        nb_rshift: Option<binaryfunc>, nb_and: Option<binaryfunc>, nb_xor: Option<binaryfunc>, nb_or: Option<binaryfunc>,
        nb_int: Option<unaryfunc>, nb_reserved: *mut c_void, nb_float: Option<unaryfunc>,
        nb_inplace_add: Option<binaryfunc>, nb_inplace_subtract: Option<binaryfunc>,
        nb_inplace_multiply: Option<binaryfunc>, nb_inplace_remainder: Option<binaryfunc>,
        nb_inplace_power: Option<ternaryfunc>, nb_inplace_lshift: Option<binaryfunc>,
        nb_inplace_rshift: Option<binaryfunc>, nb_inplace_and: Option<binaryfunc>, nb_inplace_xor: Option<binaryfunc>,
        nb_inplace_or: Option<binaryfunc>, nb_floor_divide: Option<binaryfunc>, nb_true_divide: Option<binaryfunc>,
        nb_inplace_floor_divide: Option<binaryfunc>, nb_inplace_true_divide: Option<binaryfunc>,
        nb_index: Option<unaryfunc>, nb_matrix_multiply: Option<binaryfunc>,
        nb_inplace_matrix_multiply: Option<binaryfunc>,
    }
}
table! {
    /// Sequence operations of a type.
    PySequenceMethods {
        sq_length: Option<lenfunc>, sq_concat: Option<binaryfunc>, sq_repeat: Option<ssizeargfunc>,
        sq_item: Option<ssizeargfunc>, was_sq_slice: *mut c_void, sq_ass_item: Option<ssizeobjargproc>,
        was_sq_ass_slice: *mut c_void, sq_contains: Option<objobjproc>, sq_inplace_concat: Option<binaryfunc>,
        sq_inplace_repeat: Option<ssizeargfunc>,
    }
}
table! {
    /// Mapping operations of a type.
    PyMappingMethods {
        mp_length: Option<lenfunc>, mp_subscript: Option<binaryfunc>, mp_ass_subscript: Option<objobjargproc>,
    }
}
table! {
    /// Asynchronous operations of a type; nothing here calls them.
    PyAsyncMethods {
        am_await: Option<unaryfunc>, am_aiter: Option<unaryfunc>, am_anext: Option<unaryfunc>, am_send: *mut c_void,
    }
}
table! {
    /// The buffer protocol of a type.
    PyBufferProcs { bf_getbuffer: Option<getbufferproc>, bf_releasebuffer: Option<releasebufferproc> }
}
table! {
    /// A view of memory.
    Py_buffer {
        buf: *mut c_void, obj: Ob, len: isize, itemsize: isize, readonly: c_int, ndim: c_int, format: *mut c_char,
        shape: *mut isize, strides: *mut isize, suboffsets: *mut isize, internal: *mut c_void,
    }
}
table! {
    /// A function of a module or type.
    PyMethodDef { ml_name: *const c_char, ml_meth: Option<PyCFunction>, ml_flags: c_int, ml_doc: *const c_char }
}
table! {
    /// A field of a type's struct.
    PyMemberDef { name: *const c_char, ty: c_int, offset: isize, flags: c_int, doc: *const c_char }
}
table! {
    /// A computed attribute of a type.
    PyGetSetDef { name: *const c_char, get: Option<getter>, set: Option<setter>, doc: *const c_char, closure: *mut c_void }
}
table! {
    /// A slot of a `PyType_Spec`.
    PyType_Slot { slot: c_int, pfunc: *mut c_void }
}
table! {
    /// What a heap type is made from.
    PyType_Spec {
        name: *const c_char, basicsize: c_int, itemsize: c_int, flags: c_uint, slots: *mut PyType_Slot,
    }
}
table! {
    /// A step of a multi-phase initialisation.
    PyModuleDef_Slot { slot: c_int, value: *mut c_void }
}

/// The head of a module's definition.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are CPython's")]
pub struct PyModuleDef_Base {
    pub ob_base: PyObject,
    pub m_init: Option<unsafe extern "C" fn() -> Ob>,
    pub m_index: isize,
    pub m_copy: Ob,
}

/// A module's definition.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are CPython's")]
pub struct PyModuleDef {
    pub m_base: PyModuleDef_Base,
    pub m_name: *const c_char,
    pub m_doc: *const c_char,
    pub m_size: isize,
    pub m_methods: *mut PyMethodDef,
    pub m_slots: *mut PyModuleDef_Slot,
    pub m_traverse: Option<traverseproc>,
    pub m_clear: Option<inquiry>,
    pub m_free: Option<freefunc>,
}

/// A type.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are CPython's")]
pub struct PyTypeObject {
    pub ob_base: PyVarObject,
    pub tp_name: *const c_char,
    pub tp_basicsize: isize,
    pub tp_itemsize: isize,
    pub tp_dealloc: Option<destructor>,
    pub tp_vectorcall_offset: isize,
    pub tp_getattr: Option<getattrfunc>,
    pub tp_setattr: Option<setattrfunc>,
    pub tp_as_async: *mut PyAsyncMethods,
    pub tp_repr: Option<unaryfunc>,
    pub tp_as_number: *mut PyNumberMethods,
    pub tp_as_sequence: *mut PySequenceMethods,
    pub tp_as_mapping: *mut PyMappingMethods,
    pub tp_hash: Option<hashfunc>,
    pub tp_call: Option<ternaryfunc>,
    pub tp_str: Option<unaryfunc>,
    pub tp_getattro: Option<binaryfunc>,
    pub tp_setattro: Option<objobjargproc>,
    pub tp_as_buffer: *mut PyBufferProcs,
    pub tp_flags: usize,
    pub tp_doc: *const c_char,
    pub tp_traverse: Option<traverseproc>,
    pub tp_clear: Option<inquiry>,
    pub tp_richcompare: Option<richcmpfunc>,
    pub tp_weaklistoffset: isize,
    pub tp_iter: Option<unaryfunc>,
    pub tp_iternext: Option<unaryfunc>,
    pub tp_methods: *mut PyMethodDef,
    pub tp_members: *mut PyMemberDef,
    pub tp_getset: *mut PyGetSetDef,
    pub tp_base: Ty,
    pub tp_dict: Ob,
    pub tp_descr_get: Option<descrgetfunc>,
    pub tp_descr_set: Option<descrsetfunc>,
    pub tp_dictoffset: isize,
    pub tp_init: Option<initproc>,
    pub tp_alloc: Option<allocfunc>,
    pub tp_new: Option<newfunc>,
    pub tp_free: Option<freefunc>,
    pub tp_is_gc: Option<inquiry>,
    pub tp_bases: Ob,
    pub tp_mro: Ob,
    pub tp_cache: Ob,
    pub tp_subclasses: *mut c_void,
    pub tp_weaklist: Ob,
    pub tp_del: Option<destructor>,
    pub tp_version_tag: c_uint,
    pub tp_finalize: Option<destructor>,
    pub tp_vectorcall: Option<vectorcallfunc>,
}

/// A type that was made at run time.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are CPython's")]
pub struct PyHeapTypeObject {
    pub ht_type: PyTypeObject,
    pub as_async: PyAsyncMethods,
    pub as_number: PyNumberMethods,
    pub as_mapping: PyMappingMethods,
    pub as_sequence: PySequenceMethods,
    pub as_buffer: PyBufferProcs,
    pub ht_name: Ob,
    pub ht_slots: Ob,
    pub ht_qualname: Ob,
    pub ht_module: Ob,
}

/// All slots empty.
pub const NO_NUMBER: PyNumberMethods = unsafe_zeroed!(PyNumberMethods);
/// All slots empty.
pub const NO_SEQUENCE: PySequenceMethods = unsafe_zeroed!(PySequenceMethods);
/// All slots empty.
pub const NO_MAPPING: PyMappingMethods = unsafe_zeroed!(PyMappingMethods);

impl PyTypeObject {
    /// A static type of this crate with nothing but a name and a size.
    pub const fn new(name: &'static std::ffi::CStr, basicsize: usize, flags: usize) -> PyTypeObject {
        let mut ty: PyTypeObject = unsafe_zeroed!(PyTypeObject);
        ty.ob_base = PyVarObject { ob_base: PyObject::immortal(&raw mut crate::types::PyType_Type), ob_size: 0 };
        ty.tp_name = name.as_ptr();
        ty.tp_basicsize = basicsize as isize;
        ty.tp_flags = flags | flag::DEFAULT;
        ty
    }
}

/// Flags of types (`Py_TPFLAGS_*`).
#[allow(missing_docs, reason = "the names are CPython's")]
pub mod flag {
    pub const DISALLOW_INSTANTIATION: usize = 1 << 7;
    pub const IMMUTABLE: usize = 1 << 8;
    pub const HEAPTYPE: usize = 1 << 9;
    pub const BASETYPE: usize = 1 << 10;
    pub const HAVE_VECTORCALL: usize = 1 << 11;
    pub const READY: usize = 1 << 12;
    pub const HAVE_GC: usize = 1 << 14;
    pub const DEFAULT: usize = 1 << 18;
    pub const LONG: usize = 1 << 24;
    pub const LIST: usize = 1 << 25;
    pub const TUPLE: usize = 1 << 26;
    pub const BYTES: usize = 1 << 27;
    pub const UNICODE: usize = 1 << 28;
    pub const DICT: usize = 1 << 29;
    pub const EXCEPTION: usize = 1 << 30;
    pub const TYPE: usize = 1 << 31;
    /// What a subtype has from its base.
    pub const SUBCLASSES: usize = LONG | LIST | TUPLE | BYTES | UNICODE | DICT | EXCEPTION | TYPE;
}

/// The type of an object.
#[inline(always)]
pub fn type_of(ob: Ob) -> Ty {
    // SAFETY: [X2] whoever has the address holds or borrows it.
    unsafe { (*ob).ob_type }
}

/// Whether the type of an object has a flag.
#[inline(always)]
pub fn has(ob: Ob, flag: usize) -> bool {
    // SAFETY: [X2] as above; types outlive their objects.
    unsafe { (*type_of(ob)).tp_flags & flag != 0 }
}

/// The number of items that an object's head tells.
#[inline(always)]
pub fn size_of_var(ob: Ob) -> isize {
    // SAFETY: [X2] as above; the caller knows the kind.
    unsafe { (*ob.cast::<PyVarObject>()).ob_size }
}

/// A null address of an object.
pub const NULL: Ob = null_mut();

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    unsafe extern "C" {
        static hfpy_layout: [usize; 52];
        static hfpy_layout_count: usize;
    }

    #[test]
    fn c_lays_out_every_struct_as_rust_does() {
        let ours = [
            size_of::<PyObject>(),
            offset_of!(PyObject, ob_type),
            size_of::<PyVarObject>(),
            offset_of!(PyVarObject, ob_size),
            size_of::<PyTypeObject>(),
            offset_of!(PyTypeObject, tp_name),
            offset_of!(PyTypeObject, tp_as_number),
            offset_of!(PyTypeObject, tp_hash),
            offset_of!(PyTypeObject, tp_as_buffer),
            offset_of!(PyTypeObject, tp_flags),
            offset_of!(PyTypeObject, tp_weaklistoffset),
            offset_of!(PyTypeObject, tp_methods),
            offset_of!(PyTypeObject, tp_dict),
            offset_of!(PyTypeObject, tp_dictoffset),
            offset_of!(PyTypeObject, tp_new),
            offset_of!(PyTypeObject, tp_free),
            offset_of!(PyTypeObject, tp_mro),
            offset_of!(PyTypeObject, tp_finalize),
            offset_of!(PyTypeObject, tp_vectorcall),
            size_of::<PyHeapTypeObject>(),
            offset_of!(PyHeapTypeObject, as_number),
            offset_of!(PyHeapTypeObject, as_buffer),
            offset_of!(PyHeapTypeObject, ht_module),
            size_of::<PyNumberMethods>(),
            offset_of!(PyNumberMethods, nb_index),
            size_of::<PySequenceMethods>(),
            offset_of!(PySequenceMethods, sq_contains),
            size_of::<PyMappingMethods>(),
            size_of::<PyAsyncMethods>(),
            size_of::<PyBufferProcs>(),
            size_of::<Py_buffer>(),
            offset_of!(Py_buffer, shape),
            size_of::<PyMethodDef>(),
            size_of::<PyMemberDef>(),
            offset_of!(PyMemberDef, flags),
            size_of::<PyGetSetDef>(),
            size_of::<PyType_Spec>(),
            offset_of!(PyType_Spec, slots),
            size_of::<PyType_Slot>(),
            size_of::<PyModuleDef>(),
            offset_of!(PyModuleDef, m_slots),
            size_of::<PyModuleDef_Slot>(),
            offset_of!(crate::unicode::PyASCIIObject, state),
            size_of::<crate::unicode::PyASCIIObject>(),
            size_of::<crate::unicode::PyCompactUnicodeObject>(),
            offset_of!(crate::bytes::PyBytesObject, ob_sval),
            size_of::<crate::tuple::PyTupleObject>(),
            offset_of!(crate::list::PyListObject, ob_item),
            offset_of!(crate::long::PyLongObject, ob_digit),
            offset_of!(crate::float::PyFloatObject, ob_fval),
            offset_of!(crate::buffer::PyMemoryViewObject, view),
            offset_of!(crate::slice::PySliceObject, step),
        ];
        // SAFETY: [X3] constants of C, of the length that the next one says.
        let (theirs, count) = unsafe { (hfpy_layout, hfpy_layout_count) };
        assert_eq!(count, ours.len());
        assert_eq!(ours, theirs);
    }
}
