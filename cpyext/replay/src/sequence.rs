//! A sequence that is no list: what stands for a `UserList` of a suite.
//!
//! Its type says what the length is and which item is where, and has an `insert`; the items are in a list beside it, in a
//! table of the thread by the object's address, since the replay does not know how objects are laid out. The replayer
//! clears the table after each operation.

use crate::api::{self, METH_VARARGS, Ob, PyMethodDef, PyTypeSlot, PyTypeSpec, Size};
use crate::owned::{Owned, Raised, none, raise, text};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::null_mut;

thread_local! {
    static ITEMS: RefCell<HashMap<usize, (Owned, Owned)>> = RefCell::default();
    static TYPE: Cell<Ob> = const { Cell::new(null_mut()) };
}

fn list_of(ob: Ob) -> Option<Owned> {
    ITEMS.with_borrow(|all| all.get(&(ob as usize)).map(|(_, list)| list.clone()))
}

fn gone() {
    // SAFETY: [P2] set before any extension runs, and never again.
    let kind = unsafe { Owned::from_borrowed(api::PyExc_RuntimeError) };
    raise(&kind.expect("an exception's type is there"), &text("a sequence of an operation that is over"));
}

unsafe extern "C" fn length(this: Ob) -> Size {
    match list_of(this) {
        // SAFETY: [P1] a list.
        Some(list) => unsafe { api::PyList_Size(list.as_ptr()) },
        None => {
            gone();
            -1
        }
    }
}

unsafe extern "C" fn item(this: Ob, at: Size) -> Ob {
    let Some(list) = list_of(this) else {
        gone();
        return null_mut();
    };
    // SAFETY: [P1] a list.
    let item = unsafe { api::PyList_GetItem(list.as_ptr(), at) };
    if item.is_null() {
        return item;
    }
    // SAFETY: [P1] borrowed from the list.
    unsafe { Owned::from_borrowed(item) }.map_or(null_mut(), Owned::into_ptr)
}

unsafe extern "C" fn insert(this: Ob, args: Ob) -> Ob {
    let Some(list) = list_of(this) else {
        gone();
        return null_mut();
    };
    // SAFETY: [P1] the caller's tuple.
    let (at, item) = unsafe { (api::PyTuple_GetItem(args, 0), api::PyTuple_GetItem(args, 1)) };
    if at.is_null() || item.is_null() {
        return null_mut();
    }
    // SAFETY: [P1] borrowed from the tuple; what is no int raises.
    let at = unsafe { api::PyLong_AsLongLong(at) };
    // SAFETY: [P1]
    if at == -1 && !unsafe { api::PyErr_Occurred() }.is_null() {
        return null_mut();
    }
    // SAFETY: [P1] a list.
    let status = unsafe { api::PyList_Insert(list.as_ptr(), at as Size, item) };
    if status < 0 { null_mut() } else { none().into_ptr() }
}

/// The type, made once for a thread.
fn class() -> Result<Ob, Raised> {
    if !TYPE.get().is_null() {
        return Ok(TYPE.get());
    }
    let end = PyMethodDef { name: std::ptr::null(), function: None, flags: 0, doc: std::ptr::null() };
    let insert =
        PyMethodDef { name: c"insert".as_ptr(), function: Some(insert), flags: METH_VARARGS, doc: std::ptr::null() };
    // The type uses them as long as it likes.
    let methods = Box::leak(Box::new([insert, end]));
    let slots = Box::leak(Box::new([
        PyTypeSlot { slot: api::SQ_LENGTH, value: length as *mut c_void },
        PyTypeSlot { slot: api::SQ_ITEM, value: item as *mut c_void },
        PyTypeSlot { slot: api::TP_METHODS, value: methods.as_mut_ptr().cast() },
        PyTypeSlot { slot: 0, value: null_mut() },
    ]));
    let mut spec = PyTypeSpec {
        name: c"replay.Sequence".as_ptr(),
        basicsize: 0,
        itemsize: 0,
        flags: 0,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: [P1] a specification whose parts are never freed.
    let made = unsafe { Owned::new(api::PyType_FromSpec(&raw mut spec)) }?;
    TYPE.set(made.into_ptr());
    Ok(TYPE.get())
}

/// A sequence of a list's items.
pub fn new(list: Owned) -> Result<Owned, Raised> {
    // SAFETY: [P1] the type, called without arguments.
    let made = unsafe { Owned::new(api::PyObject_CallObject(class()?, null_mut())) }?;
    ITEMS.with_borrow_mut(|all| all.insert(made.as_ptr() as usize, (made.clone(), list)));
    Ok(made)
}

/// The list of its items.
pub fn items(of: &Owned) -> Option<Owned> {
    list_of(of.as_ptr())
}

/// The operation is over.
pub fn clear() {
    let all = ITEMS.take();
    drop(all);
}
