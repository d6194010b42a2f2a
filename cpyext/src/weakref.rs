//! Weak references, to instances whose type keeps a place for them.
//!
//! The references of an object are a list that begins in the object; its dealloc clears them
//! (`PyObject_ClearWeakRefs`). An object that the collector has found dead is alive as memory until its dealloc
//! runs: a reference that is followed before gives it back to its user, who then holds it.
//!
//! An instance that began on the heap has no dealloc; its pair dies silently. A reference to one is a weak reference of the
//! heap's, in a cell. Callbacks of such references are called where the dead are buried, at the latest in the next
//! [`turn`](crate::turn) or full collection ([`notice`]).

use crate::answer::Res;
use crate::cross::borrow_c;
use crate::err;
use crate::instance;
use crate::layout::{NULL, Ob, PyObject, Ty, type_of};
use crate::object::none;
use crate::own::{Own, incref, xdecref};
use crate::runtime::mutator;
use crate::types::{_PyWeakref_RefType, PyType_IsSubtype};
use handfast::raw::WeakCell;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::c_int;
use std::ptr::{self, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A weak reference.
#[repr(C)]
#[derive(Debug)]
pub struct PyWeakReference {
    ob_base: PyObject,
    /// Borrowed; null once it is dead.
    wr_object: Ob,
    wr_callback: Ob,
    wr_prev: *mut PyWeakReference,
    wr_next: *mut PyWeakReference,
    /// The heap's own reference, where there is one: then the others but the callback are null.
    cell: *mut WeakCell,
}

/// References with a cell and a callback, by address. Their number is beside, for who has no time to look.
static WATCHED: Mutex<Vec<usize>> = Mutex::new(Vec::new());
static WATCHING: AtomicBool = AtomicBool::new(false);

fn watched(change: impl FnOnce(&mut Vec<usize>)) {
    let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    change(&mut all);
    WATCHING.store(!all.is_empty(), Ordering::Relaxed);
}

#[contract]
unsafe fn list(ob: Ob) -> Option<*mut *mut PyWeakReference> {
    let offset = (*type_of(ob)).tp_weaklistoffset;
    (offset > 0).then(|| ob.cast::<u8>().offset(offset).cast())
}

/// A weak reference; the callback may be NULL or None.
#[capi]
pub unsafe fn PyWeakref_NewRef(ob: Ob, callback: Ob) -> Res<Own> {
    new(&raw mut _PyWeakref_RefType, ob, callback)
}

#[contract]
unsafe fn new(ty: Ty, ob: Ob, callback: Ob) -> Res<Own> {
    let Some(list) = list(ob) else {
        return err::type_error(&format!("cannot create weak reference to '{}' object", crate::types::kind_of(ob)));
    };
    let made = crate::type_alloc::generic_alloc(ty, 0)?;
    let this = made.ob().cast::<PyWeakReference>();
    if !callback.is_null() && !ptr::eq(callback, none()) {
        incref(callback);
        (*this).wr_callback = callback;
    }
    if let Some(p) = instance::object(ob) {
        (*this).cell = mutator().weak_new(p);
        if !(*this).wr_callback.is_null() {
            watched(|all| all.push(this as usize));
        }
        return Ok(made);
    }
    (*this).wr_object = ob;
    (*this).wr_next = *list;
    if !(*list).is_null() {
        (**list).wr_prev = this;
    }
    *list = this;
    Ok(made)
}

#[contract]
unsafe fn detach(this: *mut PyWeakReference) {
    let ob = ptr::replace(&raw mut (*this).wr_object, NULL);
    if ob.is_null() {
        return;
    }
    if !(*this).wr_next.is_null() {
        (*(*this).wr_next).wr_prev = (*this).wr_prev;
    }
    if !(*this).wr_prev.is_null() {
        (*(*this).wr_prev).wr_next = (*this).wr_next;
    } else if let Some(list) = list(ob) {
        *list = (*this).wr_next;
    }
    ((*this).wr_prev, (*this).wr_next) = (null_mut(), null_mut());
}

/// Frees a weak reference.
#[slot]
pub unsafe fn weakref_dealloc(ob: Ob) {
    let this = ob.cast::<PyWeakReference>();
    detach(this);
    let (callback, cell) = ((*this).wr_callback, (*this).cell);
    if !cell.is_null() {
        watched(|all| all.retain(|&one| one != this as usize));
        mutator().weak_free(cell);
    }
    crate::types::free(ob);
    xdecref(callback);
}

/// Calls the callbacks of references to instances of the heap that have died.
#[inline]
pub fn notice() {
    if WATCHING.load(Ordering::Relaxed) {
        // SAFETY: [X1] on an entered thread.
        unsafe { notice_slow() };
    }
}

#[cold]
#[contract]
unsafe fn notice_slow() {
    let mut dead = vec![];
    watched(|all| {
        all.retain(|&one| {
            let this = one as *mut PyWeakReference;
            let lives = !mutator().weak_get((*this).cell).is_null();
            if !lives {
                dead.push(Own::share(this.cast()));
            }
            lives
        });
    });
    let called = dead.into_iter().filter_map(|reference| {
        let this = reference.ob().cast::<PyWeakReference>();
        Own::new(ptr::replace(&raw mut (*this).wr_callback, NULL)).map(|callback| (callback, reference))
    });
    call_back(called.collect());
}

#[contract]
unsafe fn call_back(callbacks: Vec<(Own, Own)>) {
    let before = err::take();
    for (callback, reference) in callbacks {
        if crate::call::with(callback.ob(), &[reference.ob()]).is_err() {
            err::PyErr_WriteUnraisable(callback.ob());
        }
    }
    err::restore(before);
}

/// Clears all references to an object, and calls their callbacks.
#[capi]
pub unsafe fn PyObject_ClearWeakRefs(ob: Ob) {
    let Some(list) = list(ob) else { return };
    let mut callbacks = vec![];
    while !(*list).is_null() {
        let this = *list;
        detach(this);
        if let Some(callback) = Own::new(ptr::replace(&raw mut (*this).wr_callback, NULL)) {
            callbacks.push((callback, Own::share(this.cast())));
        }
    }
    call_back(callbacks);
}

/// What it refers to, borrowed; None once that is dead.
#[capi]
pub unsafe fn PyWeakref_GetObject(ob: Ob) -> Ob {
    let this = ob.cast::<PyWeakReference>();
    let mut target = (*this).wr_object;
    if !(*this).cell.is_null() {
        let p = mutator().weak_get((*this).cell);
        if !p.is_null() {
            target = borrow_c(p);
        }
    }
    if target.is_null() { none() } else { target }
}

/// Whether an object is a weak reference.
#[capi]
pub unsafe fn PyWeakref_Check(ob: Ob) -> c_int {
    PyType_IsSubtype(type_of(ob), &raw mut _PyWeakref_RefType)
}

/// `reference()`
#[slot]
pub unsafe fn weakref_call(ob: Ob, _args: Ob, _kwargs: Ob) -> Own {
    Own::share(PyWeakref_GetObject(ob))
}

/// `weakref.ref(object, callback)`
#[slot]
pub unsafe fn weakref_new(ty: Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    match crate::tuple::items_of(args) {
        [ob] => new(ty, *ob, NULL),
        [ob, callback] => new(ty, *ob, *callback),
        _ => err::type_error("__new__ expected 1 or 2 arguments"),
    }
}
