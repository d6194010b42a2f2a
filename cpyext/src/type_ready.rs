//! `PyType_Ready`: a table that an extension has filled becomes a type.
//!
//! The type gets its dict (methods, members, computed attributes, a wrapper for each slot it defines), its order of
//! bases, and from its base what it does not define itself. Static types are adopted and immortal; so are those made
//! at run time: a type is never freed.

use crate::answer::Res;
use crate::descr;
use crate::dict;
use crate::layout::{Ob, Ty, flag, hashfunc};
use crate::names;
use crate::own::Own;
use crate::runtime;
use crate::tuple;
use crate::types::{PyBaseObject_Type, PyType_Type};
use crate::wrapper;
use handfast_cpyext_macros::{capi, contract};
use std::ffi::CStr;
use std::ptr;

/// Makes a type ready for use.
#[capi]
pub unsafe fn PyType_Ready(ty: Ty) -> Res<()> {
    if (*ty).tp_flags & flag::READY != 0 {
        return Ok(());
    }
    let object: Ty = &raw mut PyBaseObject_Type;
    if (*ty).tp_base.is_null() && !ptr::eq(ty, object) {
        (*ty).tp_base = object;
    }
    let base = (*ty).tp_base;
    if !base.is_null() {
        PyType_Ready(base)?;
    }
    let head = &raw mut (*ty).ob_base.ob_base;
    if (*head).ob_type.is_null() {
        (*head).ob_type = if base.is_null() { &raw mut PyType_Type } else { (*base).ob_base.ob_base.ob_type };
    }
    if (*ty).tp_flags & flag::HEAPTYPE == 0 {
        runtime::adopt_static(ty.cast(), size_of::<crate::layout::PyTypeObject>());
    }
    (*ty).tp_flags |= flag::READY;
    order_bases(ty)?;
    let defines_hash = (*ty).tp_hash.is_some();
    fill_dict(ty)?;
    if !base.is_null() {
        inherit_layout(ty, base);
        inherit_slots(ty, base, defines_hash);
        if (*ty).tp_hash.map(|f| f as usize) == Some(crate::object::c_not_hashable as hashfunc as usize) {
            set_absent((*ty).tp_dict, "__hash__", Own::share(crate::object::none()))?;
        }
    }
    Ok(())
}

/// The type itself, then its base's order: bases are single.
#[contract]
unsafe fn order_bases(ty: Ty) -> Res<()> {
    let base = (*ty).tp_base;
    let mut order: Vec<Ob> = vec![ty.cast()];
    if !base.is_null() {
        order.extend(tuple::items_of((*base).tp_mro));
    }
    (*ty).tp_mro = tuple::pack(&order)?.into_raw();
    let bases: &[Ob] = if base.is_null() { &[] } else { &[base.cast()] };
    (*ty).tp_bases = tuple::pack(bases)?.into_raw();
    Ok(())
}

#[contract]
unsafe fn set_absent(to: Ob, name: &str, value: Own) -> Res<()> {
    let key = names::get(name);
    if dict::get(to, key.ob())?.is_none() {
        dict::set(to, key.ob(), value.ob())?;
    }
    Ok(())
}

#[contract]
unsafe fn fill_dict(ty: Ty) -> Res<()> {
    if (*ty).tp_dict.is_null() {
        (*ty).tp_dict = dict::new()?.into_raw();
    }
    let its = (*ty).tp_dict;
    wrapper::add(ty)?;
    if (*ty).tp_new.is_some() {
        let constructor = crate::method::constructor(ty)?;
        set_absent(its, "__new__", constructor)?;
    }
    let mut method = (*ty).tp_methods;
    while !method.is_null() && !(*method).ml_name.is_null() {
        let name = CStr::from_ptr((*method).ml_name).to_string_lossy();
        let made = descr::of_method(ty, method)?;
        if (*method).ml_flags & crate::method::METH_COEXIST != 0 {
            dict::set(its, names::get(&name).ob(), made.ob())?;
        } else {
            set_absent(its, &name, made)?;
        }
        method = method.add(1);
    }
    let mut member = (*ty).tp_members;
    while !member.is_null() && !(*member).name.is_null() {
        let name = CStr::from_ptr((*member).name).to_string_lossy();
        set_absent(its, &name, descr::of_member(ty, member)?)?;
        member = member.add(1);
    }
    let mut computed = (*ty).tp_getset;
    while !computed.is_null() && !(*computed).name.is_null() {
        let name = CStr::from_ptr((*computed).name).to_string_lossy();
        set_absent(its, &name, descr::of_getset(ty, computed)?)?;
        computed = computed.add(1);
    }
    Ok(())
}

#[contract]
unsafe fn inherit_layout(ty: Ty, base: Ty) {
    if (*ty).tp_basicsize == 0 {
        (*ty).tp_basicsize = (*base).tp_basicsize;
    }
    if (*ty).tp_itemsize == 0 {
        (*ty).tp_itemsize = (*base).tp_itemsize;
    }
    if (*ty).tp_dictoffset == 0 {
        (*ty).tp_dictoffset = (*base).tp_dictoffset;
    }
    if (*ty).tp_weaklistoffset == 0 {
        (*ty).tp_weaklistoffset = (*base).tp_weaklistoffset;
    }
    (*ty).tp_flags |= (*base).tp_flags & flag::SUBCLASSES;
    if (*ty).tp_flags & flag::HAVE_GC == 0 && (*base).tp_flags & flag::HAVE_GC != 0 && (*ty).tp_traverse.is_none() {
        (*ty).tp_flags |= flag::HAVE_GC;
        (*ty).tp_traverse = (*base).tp_traverse;
        (*ty).tp_clear = (*base).tp_clear;
    }
}

#[contract]
unsafe fn inherit_slots(ty: Ty, base: Ty, defines_hash: bool) {
    macro_rules! inherit {
        ($($slot:ident),*) => { $(if (*ty).$slot.is_none() { (*ty).$slot = (*base).$slot; })* };
    }
    macro_rules! inherit_table {
        ($table:ident { $($slot:ident),* }) => {
            if (*ty).$table.is_null() {
                (*ty).$table = (*base).$table;
            } else if !(*base).$table.is_null() {
                $(if (*(*ty).$table).$slot.is_none() { (*(*ty).$table).$slot = (*(*base).$table).$slot; })*
            }
        };
    }
    // A type that says what equality is decides about hashes, too.
    if (*ty).tp_richcompare.is_none() && !defines_hash {
        (*ty).tp_richcompare = (*base).tp_richcompare;
        (*ty).tp_hash = (*base).tp_hash;
    } else if !defines_hash && (*ty).tp_richcompare.is_some() {
        (*ty).tp_hash = Some(crate::object::c_not_hashable);
    } else if (*ty).tp_richcompare.is_none() {
        (*ty).tp_richcompare = (*base).tp_richcompare;
    }
    if (*ty).tp_getattr.is_none() && (*ty).tp_getattro.is_none() {
        (*ty).tp_getattr = (*base).tp_getattr;
        (*ty).tp_getattro = (*base).tp_getattro;
    }
    if (*ty).tp_setattr.is_none() && (*ty).tp_setattro.is_none() {
        (*ty).tp_setattr = (*base).tp_setattr;
        (*ty).tp_setattro = (*base).tp_setattro;
    }
    if (*ty).tp_vectorcall_offset == 0 && (*ty).tp_call.is_none() {
        (*ty).tp_vectorcall_offset = (*base).tp_vectorcall_offset;
        (*ty).tp_flags |= (*base).tp_flags & flag::HAVE_VECTORCALL;
    }
    if (*ty).tp_dealloc.is_none() && (*ty).tp_flags & flag::HEAPTYPE != 0 {
        (*ty).tp_dealloc = Some(crate::type_alloc::c_subtype_dealloc);
    }
    inherit!(
        tp_dealloc,
        tp_repr,
        tp_call,
        tp_str,
        tp_iter,
        tp_iternext,
        tp_descr_get,
        tp_descr_set,
        tp_init,
        tp_alloc,
        tp_free,
        tp_is_gc,
        tp_finalize,
        tp_del
    );
    // Static types that inherit from `object` alone cannot be made unless they say how.
    let plain = ptr::eq(base, &raw mut PyBaseObject_Type) && (*ty).tp_flags & flag::HEAPTYPE == 0;
    if !plain && (*ty).tp_flags & flag::DISALLOW_INSTANTIATION == 0 {
        inherit!(tp_new);
    }
    inherit_table!(tp_as_number {
        nb_add,
        nb_subtract,
        nb_multiply,
        nb_remainder,
        nb_divmod,
        nb_power,
        nb_negative,
        nb_positive,
        nb_absolute,
        nb_bool,
        nb_invert,
        nb_lshift,
        nb_rshift,
        nb_and,
        nb_xor,
        nb_or,
        nb_int,
        nb_float,
        nb_inplace_add,
        nb_inplace_subtract,
        nb_inplace_multiply,
        nb_inplace_remainder,
        nb_inplace_power,
        nb_inplace_lshift,
        nb_inplace_rshift,
        nb_inplace_and,
        nb_inplace_xor,
        nb_inplace_or,
        nb_floor_divide,
        nb_true_divide,
        nb_inplace_floor_divide,
        nb_inplace_true_divide,
        nb_index,
        nb_matrix_multiply,
        nb_inplace_matrix_multiply
    });
    inherit_table!(tp_as_sequence {
        sq_length,
        sq_concat,
        sq_repeat,
        sq_item,
        sq_ass_item,
        sq_contains,
        sq_inplace_concat,
        sq_inplace_repeat
    });
    inherit_table!(tp_as_mapping { mp_length, mp_subscript, mp_ass_subscript });
    inherit_table!(tp_as_async { am_await, am_aiter, am_anext });
    inherit_table!(tp_as_buffer { bf_getbuffer, bf_releasebuffer });
}
