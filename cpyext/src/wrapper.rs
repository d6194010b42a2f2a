//! Slot wrappers: the methods (`__len__`, `__add__`…) that a type's slots stand for.
//!
//! A type that defines a slot gets in its dict a descriptor under the method's name; calling it calls the slot.

use crate::answer::{Res, owned, status};
use crate::descr::{self, Descriptor};
use crate::err;
use crate::layout::*;
use crate::object::{EQ, GE, GT, LE, LT, NE, bool_of};
use crate::own::{Own, incref, xdecref};
use crate::tuple::items_of;
use crate::types::{PyMethodWrapper_Type, PyWrapperDescr_Type};
use handfast_cpyext_macros::{contract, slot};
use std::ffi::{CStr, c_int, c_void};
use std::mem::{offset_of, transmute};
use std::ptr;

/// What a slot's function takes and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Unary,
    Binary,
    Reflected,
    Power,
    Truth,
    Length,
    Index,
    SetIndex,
    DelIndex,
    Contains,
    SetKey,
    DelKey,
    Hash,
    Call,
    Compare(c_int),
    Next,
    Init,
    SetName,
    DelName,
    Get,
}

/// Where a slot is.
#[derive(Clone, Copy, Debug)]
enum Table {
    Type,
    Number,
    Sequence,
    Mapping,
}

/// A method that stands for a slot. The name comes first, as in all entries that descriptors are for.
#[repr(C)]
#[derive(Debug)]
struct Entry {
    name: *const std::ffi::c_char,
    table: Table,
    offset: usize,
    shape: Shape,
}

// SAFETY: [X6] names of static memory.
unsafe impl Sync for Entry {}

const fn entry(name: &'static CStr, table: Table, offset: usize, shape: Shape) -> Entry {
    Entry { name: name.as_ptr(), table, offset, shape }
}

macro_rules! entries {
    ($($name:literal $table:ident.$slot:ident $shape:expr;)*) => {
        &[$(entries!(@ $name $table $slot $shape)),*]
    };
    (@ $name:literal ty $slot:ident $shape:expr) => { entry($name, Table::Type, offset_of!(PyTypeObject, $slot), $shape) };
    (@ $name:literal nb $slot:ident $shape:expr) => { entry($name, Table::Number, offset_of!(PyNumberMethods, $slot), $shape) };
    (@ $name:literal sq $slot:ident $shape:expr) => { entry($name, Table::Sequence, offset_of!(PySequenceMethods, $slot), $shape) };
    (@ $name:literal mp $slot:ident $shape:expr) => { entry($name, Table::Mapping, offset_of!(PyMappingMethods, $slot), $shape) };
}

use Shape::*;
static ENTRIES: &[Entry] = entries! {
    c"__repr__" ty.tp_repr Unary; c"__str__" ty.tp_str Unary; c"__hash__" ty.tp_hash Hash; c"__call__" ty.tp_call Call;
    c"__getattribute__" ty.tp_getattro Binary; c"__setattr__" ty.tp_setattro SetName;
    c"__delattr__" ty.tp_setattro DelName; c"__lt__" ty.tp_richcompare Compare(LT);
    c"__le__" ty.tp_richcompare Compare(LE); c"__eq__" ty.tp_richcompare Compare(EQ);
    c"__ne__" ty.tp_richcompare Compare(NE); c"__gt__" ty.tp_richcompare Compare(GT);
    c"__ge__" ty.tp_richcompare Compare(GE); c"__iter__" ty.tp_iter Unary; c"__next__" ty.tp_iternext Next;
    c"__get__" ty.tp_descr_get Get; c"__init__" ty.tp_init Init;
    c"__add__" nb.nb_add Binary; c"__radd__" nb.nb_add Reflected; c"__sub__" nb.nb_subtract Binary;
    c"__rsub__" nb.nb_subtract Reflected; c"__mul__" nb.nb_multiply Binary; c"__rmul__" nb.nb_multiply Reflected;
    c"__mod__" nb.nb_remainder Binary; c"__rmod__" nb.nb_remainder Reflected; c"__divmod__" nb.nb_divmod Binary;
    c"__rdivmod__" nb.nb_divmod Reflected; c"__pow__" nb.nb_power Power; c"__neg__" nb.nb_negative Unary;
    c"__pos__" nb.nb_positive Unary; c"__abs__" nb.nb_absolute Unary; c"__bool__" nb.nb_bool Truth;
    c"__invert__" nb.nb_invert Unary; c"__lshift__" nb.nb_lshift Binary; c"__rlshift__" nb.nb_lshift Reflected;
    c"__rshift__" nb.nb_rshift Binary; c"__rrshift__" nb.nb_rshift Reflected; c"__and__" nb.nb_and Binary;
    c"__rand__" nb.nb_and Reflected; c"__xor__" nb.nb_xor Binary; c"__rxor__" nb.nb_xor Reflected;
    c"__or__" nb.nb_or Binary; c"__ror__" nb.nb_or Reflected; c"__int__" nb.nb_int Unary; c"__float__" nb.nb_float Unary;
    c"__iadd__" nb.nb_inplace_add Binary; c"__isub__" nb.nb_inplace_subtract Binary;
    c"__imul__" nb.nb_inplace_multiply Binary; c"__imod__" nb.nb_inplace_remainder Binary;
    c"__iand__" nb.nb_inplace_and Binary; c"__ixor__" nb.nb_inplace_xor Binary; c"__ior__" nb.nb_inplace_or Binary;
    c"__ilshift__" nb.nb_inplace_lshift Binary; c"__irshift__" nb.nb_inplace_rshift Binary;
    c"__floordiv__" nb.nb_floor_divide Binary; c"__rfloordiv__" nb.nb_floor_divide Reflected;
    c"__truediv__" nb.nb_true_divide Binary; c"__rtruediv__" nb.nb_true_divide Reflected;
    c"__ifloordiv__" nb.nb_inplace_floor_divide Binary; c"__itruediv__" nb.nb_inplace_true_divide Binary;
    c"__index__" nb.nb_index Unary; c"__matmul__" nb.nb_matrix_multiply Binary;
    c"__rmatmul__" nb.nb_matrix_multiply Reflected; c"__imatmul__" nb.nb_inplace_matrix_multiply Binary;
    c"__len__" mp.mp_length Length; c"__getitem__" mp.mp_subscript Binary; c"__setitem__" mp.mp_ass_subscript SetKey;
    c"__delitem__" mp.mp_ass_subscript DelKey; c"__len__" sq.sq_length Length; c"__add__" sq.sq_concat Binary;
    c"__mul__" sq.sq_repeat Index; c"__rmul__" sq.sq_repeat Index; c"__getitem__" sq.sq_item Index;
    c"__setitem__" sq.sq_ass_item SetIndex; c"__delitem__" sq.sq_ass_item DelIndex;
    c"__contains__" sq.sq_contains Contains; c"__iadd__" sq.sq_inplace_concat Binary;
    c"__imul__" sq.sq_inplace_repeat Index;
};

#[contract]
unsafe fn function(ty: Ty, entry: &Entry) -> *mut c_void {
    let table: *mut u8 = match entry.table {
        Table::Type => ty.cast(),
        Table::Number => (*ty).tp_as_number.cast(),
        Table::Sequence => (*ty).tp_as_sequence.cast(),
        Table::Mapping => (*ty).tp_as_mapping.cast(),
    };
    if table.is_null() { ptr::null_mut() } else { table.add(entry.offset).cast::<*mut c_void>().read() }
}

/// Adds a wrapper for each slot that the type itself defines.
#[contract]
pub unsafe fn add(ty: Ty) -> Res<()> {
    for entry in ENTRIES {
        if function(ty, entry).is_null() {
            continue;
        }
        let key = crate::names::get(&CStr::from_ptr(entry.name).to_string_lossy());
        if crate::dict::get((*ty).tp_dict, key.ob())?.is_none() {
            let made = descr::other(&raw mut PyWrapperDescr_Type, ty, ptr::from_ref(entry).cast())?;
            crate::dict::set((*ty).tp_dict, key.ob(), made.ob())?;
        }
    }
    Ok(())
}

/// A wrapper bound to an instance.
#[repr(C)]
#[derive(Debug)]
struct Bound {
    descriptor: Descriptor,
    instance: Ob,
}

/// `instance.__name__`: bound.
#[slot]
pub unsafe fn get(ob: Ob, instance: Ob, _ty: Ob) -> Res<Own> {
    if instance.is_null() {
        return Ok(Own::share(ob));
    }
    descr::check(ob.cast(), instance)?;
    let this = ob.cast::<Descriptor>();
    let made = descr::other(&raw mut PyMethodWrapper_Type, (*this).d_type, (*this).entry)?;
    incref(instance);
    (*made.ob().cast::<Bound>()).instance = instance;
    Ok(made)
}

/// Bytes of a bound wrapper.
pub const BOUND: usize = size_of::<Bound>();

/// Frees a bound wrapper.
#[slot]
pub unsafe fn bound_dealloc(ob: Ob) {
    let instance = (*ob.cast::<Bound>()).instance;
    crate::types::free(ob);
    xdecref(instance);
}

/// `type.__name__(instance, ...)`
#[slot]
pub unsafe fn call(ob: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    let [instance, rest @ ..] = items_of(args) else { return err::type_error("descriptor needs an argument") };
    descr::check(ob.cast(), *instance)?;
    run(ob.cast(), *instance, rest, kwargs)
}

/// `instance.__name__(...)`
#[slot]
pub unsafe fn bound_call(ob: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    run(ob.cast(), (*ob.cast::<Bound>()).instance, items_of(args), kwargs)
}

#[contract]
unsafe fn run(this: *mut Descriptor, ob: Ob, args: &[Ob], kwargs: Ob) -> Res<Own> {
    let entry = &*(*this).entry.cast::<Entry>();
    let f = function((*this).d_type, entry);
    let none = || Ok(Own::share(crate::object::none()));
    let wrong = |wanted: usize| {
        err::type_error(&format!(
            "expected {wanted} argument{}, got {}",
            if wanted == 1 { "" } else { "s" },
            args.len()
        ))
    };
    if !matches!(entry.shape, Call | Init) && !kwargs.is_null() && crate::dict::len(kwargs) > 0 {
        let name = CStr::from_ptr(entry.name).to_string_lossy();
        return err::type_error(&format!("wrapper {name}() takes no keyword arguments"));
    }
    match (entry.shape, args) {
        (Unary, []) => owned(transmute::<*mut c_void, unaryfunc>(f)(ob)),
        (Binary, [other]) => owned(transmute::<*mut c_void, binaryfunc>(f)(ob, *other)),
        (Reflected, [other]) => owned(transmute::<*mut c_void, binaryfunc>(f)(*other, ob)),
        (Power, [other]) => owned(transmute::<*mut c_void, ternaryfunc>(f)(ob, *other, crate::object::none())),
        (Power, [other, modulus]) => owned(transmute::<*mut c_void, ternaryfunc>(f)(ob, *other, *modulus)),
        (Truth, []) => truth(transmute::<*mut c_void, inquiry>(f)(ob)),
        (Length, []) => number(transmute::<*mut c_void, lenfunc>(f)(ob)),
        (Hash, []) => number(transmute::<*mut c_void, hashfunc>(f)(ob)),
        (Index, [at]) => owned(transmute::<*mut c_void, ssizeargfunc>(f)(ob, position(ob, entry, *at)?)),
        (SetIndex, [at, value]) => {
            status(transmute::<*mut c_void, ssizeobjargproc>(f)(ob, position(ob, entry, *at)?, *value))?;
            none()
        }
        (DelIndex, [at]) => {
            status(transmute::<*mut c_void, ssizeobjargproc>(f)(ob, position(ob, entry, *at)?, NULL))?;
            none()
        }
        (Contains, [item]) => truth(transmute::<*mut c_void, objobjproc>(f)(ob, *item)),
        (SetKey | SetName, [key, value]) => {
            status(transmute::<*mut c_void, objobjargproc>(f)(ob, *key, *value))?;
            none()
        }
        (DelKey | DelName, [key]) => {
            status(transmute::<*mut c_void, objobjargproc>(f)(ob, *key, NULL))?;
            none()
        }
        (Call, _) => owned(transmute::<*mut c_void, ternaryfunc>(f)(ob, crate::tuple::pack(args)?.ob(), kwargs)),
        (Init, _) => {
            status(transmute::<*mut c_void, initproc>(f)(ob, crate::tuple::pack(args)?.ob(), kwargs))?;
            none()
        }
        (Compare(op), [other]) => owned(transmute::<*mut c_void, richcmpfunc>(f)(ob, *other, op)),
        (Next, []) => match Own::new(transmute::<*mut c_void, unaryfunc>(f)(ob)) {
            Some(item) => Ok(item),
            None if err::is_raised() => Err(crate::answer::Raised),
            None => {
                err::PyErr_SetNone(crate::exc::PyExc_StopIteration);
                Err(crate::answer::Raised)
            }
        },
        (Get, [instance, ty]) => owned(transmute::<*mut c_void, descrgetfunc>(f)(ob, *instance, *ty)),
        (Unary | Truth | Length | Hash | Next, _) => wrong(0),
        (SetIndex | SetKey | SetName | Get, _) => wrong(2),
        _ => wrong(1),
    }
}

#[contract]
unsafe fn truth(answer: c_int) -> Res<Own> {
    if answer < 0 { Err(crate::answer::Raised) } else { Ok(bool_of(answer != 0)) }
}

#[contract]
unsafe fn number(answer: isize) -> Res<Own> {
    if answer == -1 && err::is_raised() { Err(crate::answer::Raised) } else { crate::long::from_i64(answer as i64) }
}

/// The index that a sequence's slot gets: counted from the end if it is negative, but not for `*`.
#[contract]
unsafe fn position(ob: Ob, entry: &Entry, at: Ob) -> Res<isize> {
    let value = crate::number::PyNumber_AsSsize_t(at, crate::exc::PyExc_OverflowError)?;
    let is_item = entry.offset != offset_of!(PySequenceMethods, sq_repeat)
        && entry.offset != offset_of!(PySequenceMethods, sq_inplace_repeat);
    if value < 0 && is_item { Ok(value + crate::object::PyObject_Size(ob)?) } else { Ok(value) }
}
