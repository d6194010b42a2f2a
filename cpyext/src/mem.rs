//! Memory of C's: `PyMem_*`, `PyObject_Malloc`, and objects that C allocates.
//!
//! Objects come from handfast's slabs; raw memory from `malloc`. An extension may also turn raw memory, or a struct of
//! its own, into an object (`PyObject_Init`): that memory is adopted, and freed by `free` when the object is.

use crate::answer::Res;
use crate::layout::{Ob, PyObject, PyVarObject, Ty, raw_ob};
use crate::own::Own;
use crate::runtime::{Runtime, mutator};
use handfast::raw;
use handfast_cpyext_macros::{capi, slot};
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

macro_rules! allocators {
    ($($malloc:ident, $calloc:ident, $realloc:ident, [$($note:ident)?];)*) => { $(
        /// Memory, never NULL for a size of 0.
        #[capi]
        pub unsafe fn $malloc(size: usize) -> *mut c_void {
            $($note();)?
            libc::malloc(size.max(1))
        }

        /// Memory of zeros.
        #[capi]
        pub unsafe fn $calloc(count: usize, size: usize) -> *mut c_void {
            $($note();)?
            libc::calloc(count.max(1), size.max(1))
        }

        /// Memory of another size.
        #[capi]
        pub unsafe fn $realloc(memory: *mut c_void, size: usize) -> *mut c_void {
            $($note();)?
            libc::realloc(memory, size.max(1))
        }
    )* };
}
allocators! {
    PyMem_Malloc, PyMem_Calloc, PyMem_Realloc, [];
    PyMem_RawMalloc, PyMem_RawCalloc, PyMem_RawRealloc, [];
    PyObject_Malloc, PyObject_Calloc, PyObject_Realloc, [will_adopt];
}

/// Frees memory.
#[capi]
pub unsafe fn PyMem_Free(memory: *mut c_void) {
    libc::free(memory);
}

/// Frees memory.
#[capi]
pub unsafe fn PyMem_RawFree(memory: *mut c_void) {
    libc::free(memory);
}

/// Frees an object's memory, or memory of `PyObject_Malloc`.
#[capi]
pub unsafe fn PyObject_Free(memory: *mut c_void) {
    if memory.is_null() {
        return;
    }
    let ob: *mut raw::PyObject = memory.cast();
    let runtime = Runtime::get().expect("an object is freed while its runtime is there");
    if !runtime.heap().owns_pyobject(ob) || any_adopted() && mutator().pyobject_disown(ob).is_ok() {
        return libc::free(memory);
    }
    // An object: nothing else is allocated there.
    let ty = crate::layout::type_of(memory.cast());
    if (*ty).tp_itemsize == 0 {
        return crate::spare::free(memory.cast(), (*ty).tp_basicsize as usize);
    }
    raw::PyObject::free(ob);
}

/// `PyObject_Free` for tables.
#[slot]
pub unsafe fn object_free(memory: *mut c_void) {
    PyObject_Free(memory);
}

/// Frees an object of a type with garbage collection: like any other.
#[capi]
pub unsafe fn PyObject_GC_Del(memory: *mut c_void) {
    PyObject_Free(memory);
}

/// An object without items.
#[capi]
pub unsafe fn _PyObject_New(ty: Ty) -> Res<Own> {
    crate::types::alloc_instance(ty, 0)
}

/// An object with items.
#[capi]
pub unsafe fn _PyObject_NewVar(ty: Ty, items: isize) -> Res<Own> {
    let ob = crate::types::alloc_instance(ty, items)?;
    (*ob.ob().cast::<PyVarObject>()).ob_size = items;
    Ok(ob)
}

/// An object of a type with garbage collection.
#[capi]
pub unsafe fn _PyObject_GC_New(ty: Ty) -> Res<Own> {
    crate::runtime::bury();
    crate::types::alloc_instance(ty, 0)
}

/// An object with items of a type with garbage collection.
#[capi]
pub unsafe fn _PyObject_GC_NewVar(ty: Ty, items: isize) -> Res<Own> {
    crate::runtime::bury();
    _PyObject_NewVar(ty, items)
}

/// The collector knows every object that something on the heap refers to: there is no list to put one on.
#[capi]
pub unsafe fn PyObject_GC_Track(_ob: *mut c_void) {}

/// As `PyObject_GC_Track`: there is no list to take it off.
#[capi]
pub unsafe fn PyObject_GC_UnTrack(_ob: *mut c_void) {}

/// Runs a full collection; how many dead objects it delivered.
#[capi]
pub unsafe fn PyGC_Collect() -> isize {
    let Some(runtime) = Runtime::get() else { return 0 };
    let before = runtime.heap().stats().dead_queued;
    runtime.collect();
    (runtime.heap().stats().dead_queued - before) as isize
}

/// Whether C has made objects of memory of its own, which has to be told from the heap's then.
static ADOPTED: AtomicBool = AtomicBool::new(false);

/// Whether it has, or may.
#[inline]
pub fn any_adopted() -> bool {
    ADOPTED.load(Ordering::Relaxed)
}

/// It has, or may from now on.
pub fn will_adopt() {
    ADOPTED.store(true, Ordering::Relaxed);
}

/// Makes an object of memory: C's own, or the heap's.
#[capi]
pub unsafe fn PyObject_Init(ob: Ob, ty: Ty) -> Ob {
    if ob.is_null() {
        let _ = crate::err::no_memory::<()>();
        return ob;
    }
    let known = Runtime::get().is_some_and(|runtime| runtime.heap().owns_pyobject(raw_ob(ob)));
    ob.write(PyObject { ob_refcnt: 1, ob_pypy_link: 0, ob_type: ty });
    if !known {
        will_adopt();
        let adopted = mutator().pyobject_adopt(raw_ob(ob), (*ty).tp_basicsize as usize);
        assert!(adopted.is_ok(), "memory that C made an object could not be adopted: {adopted:?}");
    }
    ob
}

/// Makes an object with items of memory.
#[capi]
pub unsafe fn PyObject_InitVar(ob: Ob, ty: Ty, items: isize) -> Ob {
    let ob = PyObject_Init(ob, ty);
    if !ob.is_null() {
        (*ob.cast::<PyVarObject>()).ob_size = items;
    }
    ob
}
