//! Instances: how a type's are allocated and freed.

use crate::answer::Res;
use crate::err;
use crate::layout::{Ob, PyVarObject, Ty, flag, raw_ob, type_of};
use crate::own::{Own, xdecref};
use crate::runtime::bury;
use crate::spare;
use crate::types::{PyFloat_Type, PyList_Type, PyLong_Type, PyTuple_Type, PyUnicode_Type};
use handfast::raw::{self, CHECKED};
use handfast_cpyext_macros::{capi, contract, slot};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;

/// Bytes of an instance with so many items, and one to spare.
#[inline]
#[contract]
unsafe fn size_of(ty: Ty, items: isize) -> Option<usize> {
    let fixed = (*ty).tp_basicsize as usize;
    if (*ty).tp_itemsize == 0 {
        return Some(fixed);
    }
    let items = usize::try_from(items).ok()?.checked_add(1)?.checked_mul((*ty).tp_itemsize as usize)?;
    fixed.checked_add(items).and_then(|size| size.checked_next_multiple_of(8))
}

/// An instance of a type, zeroed behind the head.
#[inline]
#[contract]
pub unsafe fn alloc_instance(ty: Ty, items: isize) -> Res<Own> {
    let Some(size) = size_of(ty, items) else { return err::no_memory() };
    let ob = spare::alloc(size, ty);
    let Some(own) = Own::new(ob) else { return err::no_memory() };
    if (*ty).tp_itemsize != 0 {
        (*ob.cast::<PyVarObject>()).ob_size = items;
    }
    Ok(own)
}

/// What every type allocates with, unless it says otherwise.
#[inline]
#[slot]
pub unsafe fn generic_alloc(ty: Ty, items: isize) -> Res<Own> {
    if (*ty).tp_flags & flag::HAVE_GC != 0 {
        bury();
    }
    alloc_instance(ty, items)
}

/// What every type allocates with, unless it says otherwise.
#[capi]
pub unsafe fn PyType_GenericAlloc(ty: Ty, items: isize) -> Res<Own> {
    generic_alloc(ty, items)
}

/// An instance, as its type allocates it.
#[capi]
pub unsafe fn PyType_GenericNew(ty: Ty, _args: Ob, _kwargs: Ob) -> Res<Own> {
    new_instance(ty)
}

/// An instance, as its type allocates it.
#[contract]
pub unsafe fn new_instance(ty: Ty) -> Res<Own> {
    match (*ty).tp_alloc {
        Some(alloc) => crate::answer::owned(alloc(ty, 0)),
        None => generic_alloc(ty, 0),
    }
}

/// Frees the memory of an instance, as its type frees it.
#[inline]
#[contract]
pub unsafe fn free(ob: Ob) {
    let ty = type_of(ob);
    match (*ty).tp_free {
        Some(free)
            if free as usize == crate::mem::c_object_free as unsafe extern "C" fn(*mut c_void) as usize
                && (*ty).tp_itemsize == 0
                && !crate::mem::any_adopted() =>
        {
            spare::free(ob, (*ty).tp_basicsize as usize);
        }
        Some(free) => free(ob.cast::<c_void>()),
        None => crate::mem::PyObject_Free(ob.cast()),
    }
}

/// Hands an object without references to its type.
#[inline]
#[contract]
pub unsafe fn dealloc(ob: Ob) {
    match (*type_of(ob)).tp_dealloc {
        Some(dealloc) => dealloc(ob),
        None => free(ob),
    }
}

/// Nested deallocs before the rest waits.
const NESTING: u32 = 50;

thread_local! {
    static NESTED: Cell<u32> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Ob>> = const { RefCell::new(Vec::new()) };
    static ANY_WAITING: Cell<bool> = const { Cell::new(false) };
}

/// What follows a decrement that left zero or less: of an object that C alone knows, its dealloc. Deallocs drop references
/// to other objects; those that nest too deep are put on a list, and done by the outermost (CPython's trashcan).
#[inline(never)]
#[contract]
pub unsafe fn reached_zero(ob: Ob) {
    // [C-last]: the decrement is a release; what other threads did before theirs comes first.
    std::sync::atomic::fence(std::sync::atomic::Ordering::Acquire);
    if (*ob).ob_refcnt != 0 || (*ob).ob_pypy_link != 0 || CHECKED {
        return not_just_zero(ob);
    }
    let ty = type_of(ob);
    if ptr::eq(ty, &raw mut PyLong_Type) {
        return spare::free_unlinked(ob, crate::long::size_in_memory(ob));
    }
    if ptr::eq(ty, &raw mut PyFloat_Type) {
        return spare::free_unlinked(ob, std::mem::size_of::<crate::float::PyFloatObject>());
    }
    if ptr::eq(ty, &raw mut PyUnicode_Type) {
        return crate::unicode::str_dealloc(ob);
    }
    if ptr::eq(ty, &raw mut PyTuple_Type) && crate::tuple::let_go(ob) {
        return spare::free_unlinked(ob, crate::tuple::size_in_memory(ob));
    }
    if ptr::eq(ty, &raw mut PyList_Type) && crate::list::let_go(ob) {
        return spare::free_unlinked(ob, std::mem::size_of::<crate::list::PyListObject>());
    }
    nest(ob);
}

/// The dealloc of what may refer to others.
#[inline(never)]
#[contract]
unsafe fn nest(ob: Ob) {
    let nested = NESTED.get();
    if nested >= NESTING {
        return wait(ob);
    }
    NESTED.set(nested + 1);
    dealloc(ob);
    if nested == 0 && ANY_WAITING.get() {
        dealloc_waiting();
    }
    NESTED.set(nested);
}

#[cold]
fn wait(ob: Ob) {
    WAITING.with_borrow_mut(|all| all.push(ob));
    ANY_WAITING.set(true);
}

#[cold]
#[contract]
unsafe fn dealloc_waiting() {
    while let Some(ob) = WAITING.with_borrow_mut(Vec::pop) {
        dealloc(ob);
    }
    ANY_WAITING.set(false);
}

/// An underflow, which handfast reports; or a checked build, which looks at every death.
#[cold]
#[contract]
unsafe fn not_just_zero(ob: Ob) {
    if (*ob).ob_refcnt < 0 {
        (*ob).ob_refcnt += 1;
        return raw::PyObject::decref(raw_ob(ob));
    }
    raw::PyObject::decref_zero(raw_ob(ob));
}

/// What follows an incref of C's of something that has been freed.
#[capi]
pub unsafe fn _HfPy_NegativeCount(ob: Ob) {
    crate::own::negative(ob);
}

/// What follows a decref of C's that reached zero.
#[capi]
pub unsafe fn _Py_Dealloc(ob: Ob) {
    reached_zero(ob);
}

/// The dealloc of what is the heap's memory and nothing else: int, float, bytes.
#[inline]
#[slot]
pub unsafe fn plain_dealloc(ob: Ob) {
    let ty = type_of(ob);
    if ptr::eq(ty, &raw mut PyLong_Type) {
        return spare::free(ob, crate::long::size_in_memory(ob));
    }
    if ptr::eq(ty, &raw mut PyFloat_Type) {
        return spare::free(ob, (*ty).tp_basicsize as usize);
    }
    free(ob);
}

/// `object`'s dealloc.
#[slot]
pub unsafe fn object_dealloc(ob: Ob) {
    free(ob);
}

/// The dealloc of a type that was made at run time and has none of its own: what the instance has more than its base's,
/// then the base's.
#[slot]
pub unsafe fn subtype_dealloc(ob: Ob) {
    let ty = type_of(ob);
    if (*ty).tp_weaklistoffset > 0 {
        crate::weakref::PyObject_ClearWeakRefs(ob);
    }
    let mut base = ty;
    while (*base).tp_dealloc.map(|f| f as usize) == Some(c_subtype_dealloc as unsafe extern "C" fn(Ob) as usize) {
        let next = (*base).tp_base;
        let has_one = (*base).tp_dictoffset != 0 && (next.is_null() || (*next).tp_dictoffset == 0);
        if has_one && let Some(place) = crate::attr::dict_place(ob) {
            xdecref(place.replace(std::ptr::null_mut()));
        }
        base = next;
    }
    match (*base).tp_dealloc {
        Some(dealloc) => dealloc(ob),
        None => free(ob),
    }
}

/// Runs `tp_finalize`; -1 when the object is alive again.
#[capi]
pub unsafe fn PyObject_CallFinalizerFromDealloc(ob: Ob) -> i32 {
    let Some(finalize) = (*type_of(ob)).tp_finalize else { return 0 };
    // It may take references and give them to others.
    crate::own::incref(ob);
    finalize(ob);
    if (*ob).ob_refcnt > 1 {
        crate::own::decref(ob);
        return -1;
    }
    // Back to zero without another dealloc: the caller goes on with its own.
    (*ob).ob_refcnt = 0;
    0
}
