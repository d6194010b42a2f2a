//! Types made at run time: from a `PyType_Spec`, or derived from another by name and attributes.

use crate::answer::Res;
use crate::dict;
use crate::err;
use crate::layout::{NULL, Ob, PyHeapTypeObject, PyType_Spec, Ty, flag, has};
use crate::names;
use crate::own::{Own, incref};
use crate::runtime;
use crate::type_ready::PyType_Ready;
use crate::types::{PyBaseObject_Type, PyType_Type};
use handfast_cpyext_macros::{capi, contract};
use std::ffi::{CStr, c_int, c_void};
use std::mem::offset_of;
use std::ptr::null_mut;

/// Where the slot of a number is in a heap type: `offset_of!` of the field that it fills.
macro_rules! slots {
    ($($number:literal => $($field:ident).+;)*) => {
        fn place(number: c_int) -> Option<usize> {
            match number {
                $($number => Some(offset_of!(PyHeapTypeObject, $($field).+)),)*
                _ => None,
            }
        }
    };
}
slots! {
    1 => as_buffer.bf_getbuffer; 2 => as_buffer.bf_releasebuffer; 3 => as_mapping.mp_ass_subscript;
    4 => as_mapping.mp_length; 5 => as_mapping.mp_subscript; 6 => as_number.nb_absolute; 7 => as_number.nb_add;
    8 => as_number.nb_and; 9 => as_number.nb_bool; 10 => as_number.nb_divmod; 11 => as_number.nb_float;
    12 => as_number.nb_floor_divide; 13 => as_number.nb_index; 14 => as_number.nb_inplace_add;
    15 => as_number.nb_inplace_and; 16 => as_number.nb_inplace_floor_divide; 17 => as_number.nb_inplace_lshift;
    18 => as_number.nb_inplace_multiply; 19 => as_number.nb_inplace_or; 20 => as_number.nb_inplace_power;
    21 => as_number.nb_inplace_remainder; 22 => as_number.nb_inplace_rshift; 23 => as_number.nb_inplace_subtract;
    24 => as_number.nb_inplace_true_divide; 25 => as_number.nb_inplace_xor; 26 => as_number.nb_int;
    27 => as_number.nb_invert; 28 => as_number.nb_lshift; 29 => as_number.nb_multiply; 30 => as_number.nb_negative;
    31 => as_number.nb_or; 32 => as_number.nb_positive; 33 => as_number.nb_power; 34 => as_number.nb_remainder;
    35 => as_number.nb_rshift; 36 => as_number.nb_subtract; 37 => as_number.nb_true_divide; 38 => as_number.nb_xor;
    39 => as_sequence.sq_ass_item; 40 => as_sequence.sq_concat; 41 => as_sequence.sq_contains;
    42 => as_sequence.sq_inplace_concat; 43 => as_sequence.sq_inplace_repeat; 44 => as_sequence.sq_item;
    45 => as_sequence.sq_length; 46 => as_sequence.sq_repeat; 47 => ht_type.tp_alloc; 48 => ht_type.tp_base;
    49 => ht_type.tp_bases; 50 => ht_type.tp_call; 51 => ht_type.tp_clear; 52 => ht_type.tp_dealloc;
    53 => ht_type.tp_del; 54 => ht_type.tp_descr_get; 55 => ht_type.tp_descr_set; 56 => ht_type.tp_doc;
    57 => ht_type.tp_getattr; 58 => ht_type.tp_getattro; 59 => ht_type.tp_hash; 60 => ht_type.tp_init;
    61 => ht_type.tp_is_gc; 62 => ht_type.tp_iter; 63 => ht_type.tp_iternext; 64 => ht_type.tp_methods;
    65 => ht_type.tp_new; 66 => ht_type.tp_repr; 67 => ht_type.tp_richcompare; 68 => ht_type.tp_setattr;
    69 => ht_type.tp_setattro; 70 => ht_type.tp_str; 71 => ht_type.tp_traverse; 72 => ht_type.tp_members;
    73 => ht_type.tp_getset; 74 => ht_type.tp_free; 75 => as_number.nb_matrix_multiply;
    76 => as_number.nb_inplace_matrix_multiply; 77 => as_async.am_await; 78 => as_async.am_aiter;
    79 => as_async.am_anext; 80 => ht_type.tp_finalize; 81 => as_async.am_send;
}

const TP_BASE: c_int = 48;
const TP_BASES: c_int = 49;

/// A type with empty tables of its own. It lives for ever, and so does a copy of its name.
#[contract]
unsafe fn alloc(name: &CStr, base: Ty, flags: usize) -> Res<Ty> {
    let size = size_of::<PyHeapTypeObject>();
    let ob: Ob = runtime::mutator().pyobject_new(size, (&raw mut PyType_Type).cast()).cast();
    if ob.is_null() {
        return err::no_memory();
    }
    crate::own::immortal(ob);
    let this = ob.cast::<PyHeapTypeObject>();
    let ty: Ty = ob.cast();
    (*ty).tp_as_async = &raw mut (*this).as_async;
    (*ty).tp_as_number = &raw mut (*this).as_number;
    (*ty).tp_as_mapping = &raw mut (*this).as_mapping;
    (*ty).tp_as_sequence = &raw mut (*this).as_sequence;
    (*ty).tp_as_buffer = &raw mut (*this).as_buffer;
    (*ty).tp_name = name.to_owned().into_raw();
    (*ty).tp_flags = flags | flag::HEAPTYPE | flag::DEFAULT;
    (*ty).tp_base = base;
    let short = crate::types::name_of(ty);
    (*this).ht_name = crate::unicode::from_str(&short)?.into_raw();
    (*this).ht_qualname = crate::unicode::from_str(&short)?.into_raw();
    Ok(ty)
}

#[contract]
unsafe fn base_of(spec: *const PyType_Spec, bases: Ob) -> Res<Ty> {
    let mut base: Ob = bases;
    let mut slot = (*spec).slots;
    while (*slot).slot != 0 {
        if base.is_null() && matches!((*slot).slot, TP_BASE | TP_BASES) {
            base = (*slot).pfunc.cast();
        }
        slot = slot.add(1);
    }
    if !base.is_null() && has(base, flag::TUPLE) {
        base = match crate::tuple::items_of(base) {
            [base] => *base,
            _ => return err::type_error("a type has one base type"),
        };
    }
    if base.is_null() {
        return Ok(&raw mut PyBaseObject_Type);
    }
    if !has(base, flag::TYPE) || (*base.cast::<crate::layout::PyTypeObject>()).tp_flags & flag::BASETYPE == 0 {
        return err::type_error("the base is not an acceptable base type");
    }
    Ok(base.cast())
}

/// A type as a specification says, of a module that its functions can ask for.
#[capi]
pub unsafe fn PyType_FromModuleAndSpec(module: Ob, spec: *mut PyType_Spec, bases: Ob) -> Res<Own> {
    let base = base_of(spec, bases)?;
    PyType_Ready(base)?;
    let ty = alloc(CStr::from_ptr((*spec).name), base, (*spec).flags as usize)?;
    (*ty).tp_basicsize = (*spec).basicsize as isize;
    (*ty).tp_itemsize = (*spec).itemsize as isize;
    let mut slot = (*spec).slots;
    while (*slot).slot != 0 {
        let number = (*slot).slot;
        match place(number) {
            _ if number == TP_BASE || number == TP_BASES => {}
            Some(at) => ty.cast::<u8>().add(at).cast::<*mut c_void>().write((*slot).pfunc),
            None => return err::raise(crate::exc::PyExc_RuntimeError, "invalid slot offset"),
        }
        slot = slot.add(1);
    }
    special_members(ty);
    if !module.is_null() {
        incref(module);
        (*ty.cast::<PyHeapTypeObject>()).ht_module = module;
    }
    PyType_Ready(ty)?;
    let name = crate::types::full_name(ty);
    if let Some((module, _)) = name.rsplit_once('.') {
        dict::set((*ty).tp_dict, names::get("__module__").ob(), crate::unicode::from_str(module)?.ob())?;
    }
    Ok(Own::share(ty.cast()))
}

/// Members whose names say where the instance keeps its dict, its weak references and its vectorcall.
#[contract]
unsafe fn special_members(ty: Ty) {
    let mut member = (*ty).tp_members;
    while !member.is_null() && !(*member).name.is_null() {
        match CStr::from_ptr((*member).name).to_bytes() {
            b"__dictoffset__" => (*ty).tp_dictoffset = (*member).offset,
            b"__weaklistoffset__" => (*ty).tp_weaklistoffset = (*member).offset,
            b"__vectorcalloffset__" => (*ty).tp_vectorcall_offset = (*member).offset,
            _ => {}
        }
        member = member.add(1);
    }
}

/// A type as a specification says.
#[capi]
pub unsafe fn PyType_FromSpec(spec: *mut PyType_Spec) -> Res<Own> {
    PyType_FromModuleAndSpec(NULL, spec, NULL)
}

/// A type as a specification says, with these bases.
#[capi]
pub unsafe fn PyType_FromSpecWithBases(spec: *mut PyType_Spec, bases: Ob) -> Res<Own> {
    PyType_FromModuleAndSpec(NULL, spec, bases)
}

/// One more word at the end of instances; where it is.
#[contract]
unsafe fn append(ty: Ty) -> isize {
    let at = ((*ty).tp_basicsize + 7) & !7;
    (*ty).tp_basicsize = at + 8;
    at
}

/// A type with a name, a base and attributes, whose instances have a dict (behind their items, if they have items) and, as
/// in CPython, weak references if they have none.
#[contract]
pub unsafe fn derive(name: &CStr, base: Ty, attributes: Ob) -> Res<Own> {
    if (*base).tp_flags & flag::BASETYPE == 0 {
        let name = crate::types::full_name(base);
        return err::type_error(&format!("type '{name}' is not an acceptable base type"));
    }
    let ty = alloc(name, base, flag::BASETYPE)?;
    (*ty).tp_basicsize = (*base).tp_basicsize;
    let has_items = (*base).tp_itemsize != 0;
    if (*base).tp_dictoffset == 0 {
        (*ty).tp_dictoffset = if has_items { -8 } else { append(ty) };
        if has_items {
            (*ty).tp_basicsize += 8;
        }
        (*ty).tp_getset = crate::type_object::instance_getset();
    }
    if (*base).tp_weaklistoffset == 0 && !has_items {
        (*ty).tp_weaklistoffset = append(ty);
    }
    (*ty).tp_dict = if attributes.is_null() { dict::new()? } else { dict::PyDict_Copy(attributes)? }.into_raw();
    PyType_Ready(ty)?;
    Ok(Own::share(ty.cast()))
}

/// A slot of a type.
#[capi]
pub unsafe fn PyType_GetSlot(ty: Ty, slot: c_int) -> Res<*mut c_void> {
    let Some(at) = place(slot) else { return err::bad_internal_call("invalid slot") };
    let tables: [(usize, usize, *mut c_void); 5] = [
        (offset_of!(PyHeapTypeObject, as_async), size_of::<crate::layout::PyAsyncMethods>(), (*ty).tp_as_async.cast()),
        (
            offset_of!(PyHeapTypeObject, as_number),
            size_of::<crate::layout::PyNumberMethods>(),
            (*ty).tp_as_number.cast(),
        ),
        (
            offset_of!(PyHeapTypeObject, as_mapping),
            size_of::<crate::layout::PyMappingMethods>(),
            (*ty).tp_as_mapping.cast(),
        ),
        (
            offset_of!(PyHeapTypeObject, as_sequence),
            size_of::<crate::layout::PySequenceMethods>(),
            (*ty).tp_as_sequence.cast(),
        ),
        (offset_of!(PyHeapTypeObject, as_buffer), size_of::<crate::layout::PyBufferProcs>(), (*ty).tp_as_buffer.cast()),
    ];
    // The tables may be the base's.
    for (from, size, table) in tables {
        if (from..from + size).contains(&at) {
            let value = if table.is_null() {
                null_mut()
            } else {
                table.cast::<u8>().add(at - from).cast::<*mut c_void>().read()
            };
            return Ok(value);
        }
    }
    Ok(ty.cast::<u8>().add(at).cast::<*mut c_void>().read())
}

/// The module of a type that was made with one, borrowed.
#[capi]
pub unsafe fn PyType_GetModule(ty: Ty) -> Res<Ob> {
    if (*ty).tp_flags & flag::HEAPTYPE != 0 {
        let module = (*ty.cast::<PyHeapTypeObject>()).ht_module;
        if !module.is_null() {
            return Ok(module);
        }
    }
    let name = crate::types::name_of(ty);
    err::type_error(&format!("PyType_GetModule: Type '{name}' has no associated module"))
}

/// The state of the module of a type.
#[capi]
pub unsafe fn PyType_GetModuleState(ty: Ty) -> Res<*mut c_void> {
    Ok(crate::module::state_of(PyType_GetModule(ty)?))
}

/// The first module of a type or its bases that has this definition, borrowed.
#[capi]
pub unsafe fn PyType_GetModuleByDef(ty: Ty, definition: *mut crate::layout::PyModuleDef) -> Res<Ob> {
    for &one in crate::tuple::items_of((*ty).tp_mro) {
        let one: Ty = one.cast();
        if (*one).tp_flags & flag::HEAPTYPE != 0 {
            let module = (*one.cast::<PyHeapTypeObject>()).ht_module;
            if !module.is_null() && crate::module::definition_of(module) == definition {
                return Ok(module);
            }
        }
    }
    let name = crate::types::name_of(ty);
    err::type_error(&format!("PyType_GetModuleByDef: No superclass of '{name}' has the given module"))
}
