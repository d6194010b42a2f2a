//! The built-in types: one table each, exported under its name. What the slots do is in the file of each kind.

use crate::attr::{c_generic_getattr, c_generic_setattr};
use crate::layout::{
    NO_MAPPING, NO_NUMBER, NO_SEQUENCE, Ob, PyBufferProcs, PyMappingMethods, PyNumberMethods, PyObject,
    PySequenceMethods, PyVarObject, flag,
};
use crate::{
    alias, buffer, bytearray, bytes, capsule, descr, dict, float, iter, list, long_number as int, method, module,
    object, slice, tuple, type_object, unicode, unicode_ops, weakref, wrapped,
};

pub use crate::type_alloc::{alloc_instance, dealloc, free};
pub use crate::type_names::{full_name, kind_of, name_of};
pub use crate::type_object::PyType_IsSubtype;

/// The tables of operations of the built-in types.
mod tables {
    use super::*;

    macro_rules! tables {
        ($($name:ident: $ty:ident = $empty:expr, { $($field:ident: $value:expr),* $(,)? };)*) => { $(
            #[allow(clippy::needless_update, reason = "of a table that is full")]
            pub static mut $name: $ty = $ty { $($field: Some($value),)* ..$empty };
        )* };
    }
    tables! {
        INT: PyNumberMethods = NO_NUMBER, {
            nb_add: int::c_int_add, nb_subtract: int::c_int_subtract, nb_multiply: int::c_int_multiply,
            nb_remainder: int::c_int_remainder, nb_divmod: int::c_int_divmod, nb_power: int::c_int_power,
            nb_negative: int::c_int_negative, nb_positive: int::c_int_itself, nb_absolute: int::c_int_absolute,
            nb_bool: int::c_int_bool, nb_invert: int::c_int_invert, nb_lshift: int::c_int_lshift,
            nb_rshift: int::c_int_rshift, nb_and: int::c_int_and, nb_xor: int::c_int_xor, nb_or: int::c_int_or,
            nb_int: int::c_int_itself, nb_float: int::c_int_float, nb_floor_divide: int::c_int_floor_divide,
            nb_true_divide: int::c_int_true_divide, nb_index: int::c_int_itself,
        };
        FLOAT: PyNumberMethods = NO_NUMBER, {
            nb_add: float::c_float_add, nb_subtract: float::c_float_subtract, nb_multiply: float::c_float_multiply,
            nb_remainder: float::c_float_remainder, nb_divmod: float::c_float_divmod, nb_power: float::c_float_power,
            nb_negative: float::c_float_negative, nb_positive: float::c_float_itself,
            nb_absolute: float::c_float_absolute, nb_bool: float::c_float_bool, nb_int: float::c_float_int,
            nb_float: float::c_float_itself, nb_floor_divide: float::c_float_floor_divide,
            nb_true_divide: float::c_float_true_divide,
        };
        NONE: PyNumberMethods = NO_NUMBER, { nb_bool: c_never };
        STR_SEQUENCE: PySequenceMethods = NO_SEQUENCE, {
            sq_length: unicode_ops::c_str_length, sq_concat: unicode_ops::c_str_concat,
            sq_repeat: unicode_ops::c_str_repeat, sq_item: unicode_ops::c_str_item,
            sq_contains: unicode_ops::c_str_contains,
        };
        STR_MAPPING: PyMappingMethods = NO_MAPPING, {
            mp_length: unicode_ops::c_str_length, mp_subscript: unicode_ops::c_str_subscript,
        };
        BYTES_SEQUENCE: PySequenceMethods = NO_SEQUENCE, {
            sq_length: bytes::c_bytes_length, sq_concat: bytes::c_concat, sq_item: bytes::c_bytes_item,
        };
        BYTES_MAPPING: PyMappingMethods = NO_MAPPING, {
            mp_length: bytes::c_bytes_length, mp_subscript: bytes::c_bytes_subscript,
        };
        BYTEARRAY_SEQUENCE: PySequenceMethods = NO_SEQUENCE, {
            sq_length: bytearray::c_length, sq_concat: bytes::c_concat, sq_item: bytearray::c_item,
        };
        BYTEARRAY_MAPPING: PyMappingMethods = NO_MAPPING, {
            mp_length: bytearray::c_length, mp_subscript: bytearray::c_subscript,
        };
        TUPLE_SEQUENCE: PySequenceMethods = NO_SEQUENCE, {
            sq_length: tuple::c_tuple_length, sq_concat: tuple::c_tuple_concat, sq_repeat: tuple::c_tuple_repeat,
            sq_item: tuple::c_tuple_item, sq_contains: tuple::c_tuple_contains,
        };
        TUPLE_MAPPING: PyMappingMethods = NO_MAPPING, {
            mp_length: tuple::c_tuple_length, mp_subscript: tuple::c_tuple_subscript,
        };
        LIST_SEQUENCE: PySequenceMethods = NO_SEQUENCE, {
            sq_length: list::c_list_length, sq_concat: list::c_list_concat, sq_repeat: list::c_list_repeat,
            sq_item: list::c_list_item, sq_ass_item: list::c_list_ass_item, sq_contains: list::c_list_contains,
        };
        LIST_MAPPING: PyMappingMethods = NO_MAPPING, {
            mp_length: list::c_list_length, mp_subscript: list::c_list_subscript,
            mp_ass_subscript: list::c_list_ass_subscript,
        };
        DICT_SEQUENCE: PySequenceMethods = NO_SEQUENCE, { sq_contains: crate::dict_ops::c_dict_contains };
        DICT_MAPPING: PyMappingMethods = NO_MAPPING, {
            mp_length: crate::dict_ops::c_dict_length, mp_subscript: crate::dict_ops::c_dict_subscript,
            mp_ass_subscript: crate::dict_ops::c_dict_ass_subscript,
        };
        SET_SEQUENCE: PySequenceMethods = NO_SEQUENCE, {
            sq_length: crate::set::c_set_length, sq_contains: crate::set::c_set_contains,
        };
        VIEW_SEQUENCE: PySequenceMethods = NO_SEQUENCE, { sq_length: buffer::c_view_length, sq_item: buffer::c_view_item };
        VIEW_MAPPING: PyMappingMethods = NO_MAPPING, {
            mp_length: buffer::c_view_length, mp_subscript: buffer::c_view_subscript,
            mp_ass_subscript: buffer::c_view_ass_subscript,
        };
    }
    pub static mut BYTES_BUFFER: PyBufferProcs =
        PyBufferProcs { bf_getbuffer: Some(bytes::c_bytes_getbuffer), bf_releasebuffer: None };
    pub static mut BYTEARRAY_BUFFER: PyBufferProcs = PyBufferProcs {
        bf_getbuffer: Some(bytearray::c_getbuffer),
        bf_releasebuffer: Some(bytearray::c_releasebuffer),
    };
    pub static mut VIEW_BUFFER: PyBufferProcs =
        PyBufferProcs { bf_getbuffer: Some(buffer::c_view_getbuffer), bf_releasebuffer: None };

    #[handfast_cpyext_macros::slot]
    unsafe fn never(_: Ob) -> std::ffi::c_int {
        0
    }
}

const HEAD: usize = size_of::<PyObject>();

builtin_type!(PyType_Type, c"type", size_of::<crate::layout::PyHeapTypeObject>(), flag::BASETYPE | flag::TYPE, {
    tp_base: &raw mut PyBaseObject_Type,
    tp_repr: Some(type_object::c_type_repr),
    tp_call: Some(type_object::c_type_call),
    tp_getattro: Some(type_object::c_type_getattro),
    tp_setattro: Some(type_object::c_type_setattro),
    tp_new: Some(type_object::c_type_new),
    tp_getset: type_object::getset(),
});
builtin_type!(PyBaseObject_Type, c"object", HEAD, flag::BASETYPE, {
    tp_dealloc: Some(crate::type_alloc::c_object_dealloc),
    tp_repr: Some(object::c_object_repr),
    tp_str: Some(object::c_object_str),
    tp_hash: Some(object::c_object_hash),
    tp_richcompare: Some(object::c_object_richcompare),
    tp_getattro: Some(c_generic_getattr),
    tp_setattro: Some(c_generic_setattr),
    tp_init: Some(type_object::c_object_init),
    tp_new: Some(type_object::c_object_new),
    tp_alloc: Some(crate::type_alloc::c_generic_alloc),
    tp_free: Some(crate::mem::c_object_free),
    tp_getset: type_object::object_getset(),
});
builtin_type!(PyLong_Type, c"int", HEAD + 8, flag::BASETYPE | flag::LONG, {
    tp_dealloc: Some(crate::type_alloc::c_plain_dealloc),
    tp_itemsize: 4,
    tp_repr: Some(int::c_int_repr),
    tp_hash: Some(int::c_int_hash),
    tp_richcompare: Some(int::c_int_richcompare),
    tp_as_number: &raw mut tables::INT,
    tp_new: Some(int::c_int_new),
});
builtin_type!(PyBool_Type, c"bool", HEAD + 8, flag::LONG, {
    tp_base: &raw mut PyLong_Type,
    tp_itemsize: 4,
    tp_repr: Some(object::c_bool_repr),
    tp_new: Some(object::c_bool_new),
});
builtin_type!(PyFloat_Type, c"float", size_of::<float::PyFloatObject>(), flag::BASETYPE, {
    tp_dealloc: Some(crate::type_alloc::c_plain_dealloc),
    tp_repr: Some(float::c_float_repr),
    tp_hash: Some(float::c_float_hash),
    tp_richcompare: Some(float::c_float_richcompare),
    tp_as_number: &raw mut tables::FLOAT,
    tp_new: Some(float::c_float_new),
});
builtin_type!(PyUnicode_Type, c"str", size_of::<unicode::PyUnicodeObject>(), flag::BASETYPE | flag::UNICODE, {
    tp_dealloc: Some(unicode::c_str_dealloc),
    tp_repr: Some(unicode_ops::c_str_repr),
    tp_str: Some(object::c_str_str),
    tp_hash: Some(unicode_ops::c_str_hash),
    tp_richcompare: Some(unicode_ops::c_str_richcompare),
    tp_as_sequence: &raw mut tables::STR_SEQUENCE,
    tp_as_mapping: &raw mut tables::STR_MAPPING,
    tp_iter: Some(iter::c_sequence_iter),
    tp_new: Some(unicode::c_str_new),
    tp_methods: unicode_ops::methods(),
});
builtin_type!(PyBytes_Type, c"bytes", bytes::HEAD + 1, flag::BASETYPE | flag::BYTES, {
    tp_dealloc: Some(crate::type_alloc::c_plain_dealloc),
    tp_itemsize: 1,
    tp_repr: Some(bytes::c_bytes_repr),
    tp_hash: Some(bytes::c_bytes_hash),
    tp_richcompare: Some(bytes::c_bytes_richcompare),
    tp_as_sequence: &raw mut tables::BYTES_SEQUENCE,
    tp_as_mapping: &raw mut tables::BYTES_MAPPING,
    tp_as_buffer: &raw mut tables::BYTES_BUFFER,
    tp_iter: Some(iter::c_sequence_iter),
    tp_new: Some(bytes::c_bytes_new),
});
builtin_type!(PyByteArray_Type, c"bytearray", size_of::<bytearray::PyByteArrayObject>(), flag::BASETYPE, {
    tp_dealloc: Some(bytearray::c_dealloc),
    tp_repr: Some(bytearray::c_repr),
    tp_hash: Some(object::c_not_hashable),
    tp_richcompare: Some(bytearray::c_richcompare),
    tp_as_sequence: &raw mut tables::BYTEARRAY_SEQUENCE,
    tp_as_mapping: &raw mut tables::BYTEARRAY_MAPPING,
    tp_as_buffer: &raw mut tables::BYTEARRAY_BUFFER,
    tp_iter: Some(iter::c_sequence_iter),
    tp_init: Some(bytearray::c_init),
    tp_new: Some(list::c_list_new),
});
builtin_type!(PyTuple_Type, c"tuple", size_of::<PyVarObject>(), flag::BASETYPE | flag::TUPLE, {
    tp_itemsize: 8,
    tp_dealloc: Some(tuple::c_tuple_dealloc),
    tp_traverse: Some(tuple::c_tuple_traverse),
    tp_repr: Some(tuple::c_tuple_repr),
    tp_hash: Some(tuple::c_tuple_hash),
    tp_richcompare: Some(tuple::c_tuple_richcompare),
    tp_as_sequence: &raw mut tables::TUPLE_SEQUENCE,
    tp_as_mapping: &raw mut tables::TUPLE_MAPPING,
    tp_iter: Some(iter::c_sequence_iter),
    tp_new: Some(tuple::c_tuple_new),
});
builtin_type!(PyList_Type, c"list", size_of::<list::PyListObject>(), flag::BASETYPE | flag::LIST, {
    tp_dealloc: Some(list::c_list_dealloc),
    tp_traverse: Some(list::c_list_traverse),
    tp_repr: Some(list::c_list_repr),
    tp_hash: Some(object::c_not_hashable),
    tp_richcompare: Some(list::c_list_richcompare),
    tp_as_sequence: &raw mut tables::LIST_SEQUENCE,
    tp_as_mapping: &raw mut tables::LIST_MAPPING,
    tp_iter: Some(iter::c_sequence_iter),
    tp_init: Some(list::c_list_init),
    tp_new: Some(list::c_list_new),
});
builtin_type!(PyDict_Type, c"dict", HEAD, flag::BASETYPE | flag::DICT, {
    tp_repr: Some(crate::dict_ops::c_dict_repr),
    tp_hash: Some(object::c_not_hashable),
    tp_richcompare: Some(crate::dict_ops::c_dict_richcompare),
    tp_as_sequence: &raw mut tables::DICT_SEQUENCE,
    tp_as_mapping: &raw mut tables::DICT_MAPPING,
    tp_iter: Some(iter::c_dict_iter),
    tp_init: Some(crate::dict_ops::c_dict_init),
    tp_new: Some(dict::c_dict_new),
    tp_methods: crate::dict_ops::methods(),
});
macro_rules! sets {
    ($($name:ident, $text:literal, $hash:path;)*) => { $(
        builtin_type!($name, $text, size_of::<crate::set::PySetObject>(), flag::BASETYPE, {
            tp_dealloc: Some(crate::set::c_set_dealloc),
            tp_repr: Some(crate::set::c_set_repr),
            tp_hash: Some($hash),
            tp_richcompare: Some(crate::set::c_set_richcompare),
            tp_as_sequence: &raw mut tables::SET_SEQUENCE,
            tp_iter: Some(crate::set::c_set_iter),
            tp_init: Some(crate::set::c_set_init),
            tp_new: Some(crate::set::c_set_new),
        });
    )* };
}
sets! {
    PySet_Type, c"set", object::c_not_hashable;
    PyFrozenSet_Type, c"frozenset", crate::set::c_frozen_hash;
}
builtin_type!(PySlice_Type, c"slice", size_of::<slice::PySliceObject>(), 0, {
    tp_dealloc: Some(slice::c_slice_dealloc),
    tp_repr: Some(slice::c_slice_repr),
    tp_hash: Some(object::c_not_hashable),
    tp_new: Some(slice::c_slice_new),
});
builtin_type!(PyNone_Type, c"NoneType", HEAD, 0, {
    tp_repr: Some(object::c_singleton_repr),
    tp_as_number: &raw mut tables::NONE,
});
builtin_type!(PyNotImplemented_Type, c"NotImplementedType", HEAD, 0, { tp_repr: Some(object::c_singleton_repr) });
builtin_type!(PyEllipsis_Type, c"ellipsis", HEAD, 0, { tp_repr: Some(object::c_singleton_repr) });

macro_rules! iterators {
    ($($name:ident, $text:literal, $next:path;)*) => { $(
        builtin_type!($name, $text, size_of::<iter::Iterator>(), 0, {
            tp_dealloc: Some(iter::c_iterator_dealloc),
            tp_iter: Some(iter::c_self_iter),
            tp_iternext: Some($next),
        });
    )* };
}
iterators! {
    PySeqIter_Type, c"iterator", iter::c_sequence_next;
    PyDictIterKey_Type, c"dict_keyiterator", iter::c_dict_next_key;
    PyDictIterValue_Type, c"dict_valueiterator", iter::c_dict_next_value;
    PyDictIterItem_Type, c"dict_itemiterator", iter::c_dict_next_item;
}

builtin_type!(PyCFunction_Type, c"builtin_function_or_method", size_of::<method::PyCFunctionObject>(), 0, {
    tp_dealloc: Some(method::c_function_dealloc),
    tp_repr: Some(method::c_function_repr),
    tp_call: Some(method::c_function_call),
    tp_getset: method::getset(),
});
builtin_type!(PyMethod_Type, c"method", size_of::<method::PyMethodObject>(), 0, {
    tp_dealloc: Some(method::c_method_dealloc),
    tp_call: Some(method::c_method_call),
});
macro_rules! descriptors {
    ($($name:ident, $text:literal, { $($field:ident: $value:expr),* };)*) => { $(
        builtin_type!($name, $text, size_of::<descr::Descriptor>(), 0, {
            tp_dealloc: Some(descr::c_dealloc),
            tp_repr: Some(descr::c_repr),
            $($field: Some($value)),*
        });
    )* };
}
descriptors! {
    PyMethodDescr_Type, c"method_descriptor", { tp_descr_get: descr::c_method_get, tp_call: descr::c_method_call };
    PyClassMethodDescr_Type, c"classmethod_descriptor", { tp_descr_get: descr::c_class_method_get };
    PyMemberDescr_Type, c"member_descriptor", { tp_descr_get: descr::c_member_get, tp_descr_set: descr::c_member_set };
    PyGetSetDescr_Type, c"getset_descriptor", { tp_descr_get: descr::c_getset_get, tp_descr_set: descr::c_getset_set };
    PyWrapperDescr_Type, c"wrapper_descriptor", {
        tp_descr_get: crate::wrapper::c_get, tp_call: crate::wrapper::c_call
    };
}
macro_rules! wrapped {
    ($($name:ident, $text:literal, { $($field:ident: $value:expr),* };)*) => { $(
        builtin_type!($name, $text, size_of::<wrapped::Wrapped>(), flag::BASETYPE, {
            tp_dealloc: Some(wrapped::c_wrapped_dealloc),
            tp_new: Some(wrapped::c_wrapped_new),
            tp_members: wrapped::members(),
            $($field: Some($value)),*
        });
    )* };
}
wrapped! {
    PyClassMethod_Type, c"classmethod", { tp_descr_get: wrapped::c_class_get };
    PyStaticMethod_Type, c"staticmethod", { tp_descr_get: wrapped::c_static_get, tp_call: wrapped::c_static_call };
}
// What Python code makes, of which there is none: types without instances.
builtin_type!(PyFunction_Type, c"function", HEAD, flag::DISALLOW_INSTANTIATION, {});
builtin_type!(PyTraceBack_Type, c"traceback", HEAD, flag::DISALLOW_INSTANTIATION, {});
builtin_type!(PyMethodWrapper_Type, c"method-wrapper", crate::wrapper::BOUND, 0, {
    tp_dealloc: Some(crate::wrapper::c_bound_dealloc),
    tp_call: Some(crate::wrapper::c_bound_call),
});
builtin_type!(PyModule_Type, c"module", size_of::<module::PyModuleObject>(), flag::BASETYPE, {
    tp_dealloc: Some(module::c_module_dealloc),
    tp_repr: Some(module::c_module_repr),
    tp_getattro: Some(module::c_module_getattro),
    tp_dictoffset: module::DICT as isize,
});
builtin_type!(PyModuleDef_Type, c"moduledef", size_of::<crate::layout::PyModuleDef>(), 0, {});
builtin_type!(PyMemoryView_Type, c"memoryview", size_of::<buffer::PyMemoryViewObject>(), 0, {
    tp_dealloc: Some(buffer::c_view_dealloc),
    tp_as_sequence: &raw mut tables::VIEW_SEQUENCE,
    tp_as_mapping: &raw mut tables::VIEW_MAPPING,
    tp_as_buffer: &raw mut tables::VIEW_BUFFER,
    tp_iter: Some(iter::c_sequence_iter),
    tp_richcompare: Some(buffer::c_view_richcompare),
    tp_new: Some(buffer::c_view_new),
});
builtin_type!(PyCapsule_Type, c"PyCapsule", size_of::<capsule::PyCapsule>(), 0, {
    tp_dealloc: Some(capsule::c_capsule_dealloc),
});
builtin_type!(Py_GenericAliasType, c"types.GenericAlias", size_of::<alias::Alias>(), 0, {
    tp_dealloc: Some(alias::c_alias_dealloc),
    tp_repr: Some(alias::c_alias_repr),
    tp_call: Some(alias::c_alias_call),
    tp_getattro: Some(alias::c_alias_getattro),
    tp_members: alias::members(),
});
builtin_type!(_PyWeakref_RefType, c"weakref", size_of::<weakref::PyWeakReference>(), flag::BASETYPE, {
    tp_dealloc: Some(weakref::c_weakref_dealloc),
    tp_call: Some(weakref::c_weakref_call),
    tp_new: Some(weakref::c_weakref_new),
});

/// The static types of this crate that are no exceptions, bases first.
pub fn builtin() -> Vec<*mut crate::layout::PyTypeObject> {
    vec![
        &raw mut PyBaseObject_Type,
        &raw mut PyType_Type,
        &raw mut PyUnicode_Type,
        &raw mut PyDict_Type,
        &raw mut PyLong_Type,
        &raw mut PyBool_Type,
        &raw mut PyFloat_Type,
        &raw mut PyBytes_Type,
        &raw mut PyByteArray_Type,
        &raw mut PyTuple_Type,
        &raw mut PyList_Type,
        &raw mut PySet_Type,
        &raw mut PyFrozenSet_Type,
        &raw mut PySlice_Type,
        &raw mut PyNone_Type,
        &raw mut PyNotImplemented_Type,
        &raw mut PyEllipsis_Type,
        &raw mut PySeqIter_Type,
        &raw mut PyDictIterKey_Type,
        &raw mut PyDictIterValue_Type,
        &raw mut PyDictIterItem_Type,
        &raw mut PyCFunction_Type,
        &raw mut PyMethod_Type,
        &raw mut PyMethodDescr_Type,
        &raw mut PyClassMethodDescr_Type,
        &raw mut PyMemberDescr_Type,
        &raw mut PyGetSetDescr_Type,
        &raw mut PyWrapperDescr_Type,
        &raw mut PyMethodWrapper_Type,
        &raw mut PyClassMethod_Type,
        &raw mut PyStaticMethod_Type,
        &raw mut PyFunction_Type,
        &raw mut PyTraceBack_Type,
        &raw mut PyModule_Type,
        &raw mut PyModuleDef_Type,
        &raw mut PyMemoryView_Type,
        &raw mut PyCapsule_Type,
        &raw mut Py_GenericAliasType,
        &raw mut _PyWeakref_RefType,
    ]
}
