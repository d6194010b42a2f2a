//! References to objects that are given back by themselves, and exceptions as values.
//!
//! Every function of [`crate::api`] that a replay calls is wrapped once, here or in [`crate::operation`], into one that
//! cannot be misused on the thread of a replay: it takes live references and gives an owned one or what was raised.
//!
//! The reasons of the unsafe blocks of this crate:
//! - **[P1]** the pointers come from [`Owned`], which holds a count, or are borrowed from an object that one holds, with
//!   nothing in between that could drop it; the thread is attached and has the lock of the implementation, for it
//!   made a [`Replayer`](crate::Replayer), whose contract says so.
//! - **[P2]** a static object or type of the implementation, of which only the address is taken.
//! - **[P3]** text for C: ends in a zero byte and lives until the call is over.
//! - **[P4]** CPython's own rules for programs that embed it (`selfcheck`): which thread may call what, and in what order.
//! - **[P5]** the tables of a replay, lent to the stand-ins while an operation runs, during which the replay itself does not
//!   touch them.

use crate::api::{self, Ob};
use std::ffi::{CStr, CString};
use std::ptr::{NonNull, null_mut};

/// A counted reference, given back when dropped.
#[derive(Debug)]
pub struct Owned(NonNull<api::PyObject>);

impl Owned {
    /// Takes over a reference that the caller owns; null is an exception that was raised.
    ///
    /// # Safety
    /// The pointer is null, with an exception set, or an owned reference of this thread's implementation.
    pub unsafe fn new(ob: Ob) -> Result<Owned, Raised> {
        NonNull::new(ob).map(Owned).ok_or_else(Raised::take)
    }

    /// A new reference to what the caller borrows.
    ///
    /// # Safety
    /// As [`Owned::new`], but borrowed.
    pub unsafe fn from_borrowed(ob: Ob) -> Result<Owned, Raised> {
        if !ob.is_null() {
            // SAFETY: [P1] live, says the caller.
            unsafe { api::Py_IncRef(ob) };
        }
        // SAFETY: [P1] the count just taken.
        unsafe { Owned::new(ob) }
    }

    /// The object, still owned by `self`.
    pub fn as_ptr(&self) -> Ob {
        self.0.as_ptr()
    }

    /// The object; its count is now the caller's.
    pub fn into_ptr(self) -> Ob {
        let ob = self.0.as_ptr();
        std::mem::forget(self);
        ob
    }

    /// Its attribute `name`.
    pub fn attribute(&self, name: &str) -> Result<Owned, Raised> {
        let name = text(name);
        // SAFETY: [P1] [P3]
        unsafe { Owned::new(api::PyObject_GetAttrString(self.as_ptr(), name.as_ptr())) }
    }

    /// Sets its attribute, or takes it away.
    pub fn set_attribute(&self, name: &str, value: Option<&Owned>) -> Result<(), Raised> {
        let name = text(name);
        let value = value.map_or(null_mut(), Owned::as_ptr);
        // SAFETY: [P1] [P3]
        done(unsafe { api::PyObject_SetAttrString(self.as_ptr(), name.as_ptr(), value) }).map(drop)
    }

    /// Its exact type.
    pub fn kind(&self) -> Owned {
        // SAFETY: [P1] every object has a type.
        unsafe { Owned::new(api::PyObject_Type(self.as_ptr())) }.expect("an object has a type")
    }

    /// The name of its type.
    pub fn kind_name(&self) -> String {
        self.kind().attribute("__name__").ok().and_then(|name| name.as_str()).unwrap_or_else(|| "?".into())
    }

    /// The text of a str; none if it is none, or has lone surrogates.
    pub fn as_str(&self) -> Option<String> {
        if !is(&self.kind(), kind::str()) {
            return None;
        }
        let mut size = 0;
        // SAFETY: [P1] a str.
        let bytes = unsafe { api::PyUnicode_AsUTF8AndSize(self.as_ptr(), &mut size) };
        if bytes.is_null() {
            drop(Raised::take());
            return None;
        }
        // SAFETY: [P1] the str owns `size` bytes, as long as it lives.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), size as usize) };
        String::from_utf8(bytes.to_vec()).ok()
    }

    /// `str(self)`, or what stands for it if it has none.
    pub fn display(&self) -> String {
        // SAFETY: [P1]
        match unsafe { Owned::new(api::PyObject_Str(self.as_ptr())) } {
            Ok(shown) => shown.as_str().unwrap_or_else(|| "a str with surrogates".into()),
            Err(raised) => format!("str() raises {}", raised.kind),
        }
    }

    /// `repr(self)`, at most so long that a report stays readable.
    pub fn shown(&self) -> String {
        // SAFETY: [P1]
        let shown = match unsafe { Owned::new(api::PyObject_Repr(self.as_ptr())) } {
            Ok(shown) => shown.as_str().unwrap_or_else(|| "a str with surrogates".into()),
            Err(raised) => format!("repr() raises {}", raised.kind),
        };
        if shown.chars().count() > 200 { shown.chars().take(200).chain("…".chars()).collect() } else { shown }
    }
}

impl Clone for Owned {
    fn clone(&self) -> Owned {
        // SAFETY: [P1]
        unsafe { api::Py_IncRef(self.as_ptr()) };
        Owned(self.0)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: [P1] this reference is used no more.
        unsafe { api::Py_DecRef(self.as_ptr()) };
    }
}

/// Whether it is this very object.
pub fn is(a: &Owned, b: Ob) -> bool {
    a.as_ptr() == b
}

/// Addresses of the builtin types.
pub mod kind {
    use crate::api::{self, Ob};

    macro_rules! kinds {
        ($($name:ident $static:ident)*) => { $(
            #[doc = concat!("`", stringify!($static), "`.")]
            pub fn $name() -> Ob {
                &raw mut api::$static
            }
        )* };
    }
    kinds! {
        none _Py_NoneStruct
        truth _Py_TrueStruct
        falsehood _Py_FalseStruct
        object PyBaseObject_Type
        class PyType_Type
        bool PyBool_Type
        int PyLong_Type
        float PyFloat_Type
        str PyUnicode_Type
        bytes PyBytes_Type
        bytearray PyByteArray_Type
        tuple PyTuple_Type
        list PyList_Type
        dict PyDict_Type
    }
}

/// An exception, taken from the thread.
#[derive(Debug)]
pub struct Raised {
    /// The name of its type.
    pub kind: String,
    /// `str()` of it.
    pub message: String,
    /// Its `args`, if it has any.
    pub args: Option<Owned>,
}

impl Raised {
    /// The exception of this thread, which is cleared. A function that failed without one is told as such.
    pub fn take() -> Raised {
        let (mut kind, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
        // SAFETY: [P1] three places to write.
        unsafe { api::PyErr_Fetch(&mut kind, &mut value, &mut traceback) };
        if kind.is_null() {
            return Raised { kind: "no exception".into(), message: "failed without an exception".into(), args: None };
        }
        // SAFETY: [P1] what was fetched.
        unsafe { api::PyErr_NormalizeException(&mut kind, &mut value, &mut traceback) };
        // SAFETY: [P1] the three are owned by the caller of PyErr_Fetch, and each may be null but the first.
        let own = |ob: Ob| (!ob.is_null()).then(|| Owned(NonNull::new(ob).expect("not null")));
        let (kind, value, _traceback) = (own(kind), own(value), own(traceback));
        let name = kind.and_then(|kind| kind.attribute("__name__").ok()?.as_str());
        Raised {
            kind: name.unwrap_or_else(|| "?".into()),
            message: value.as_ref().map_or(String::new(), Owned::display),
            args: value.and_then(|value| value.attribute("args").ok()),
        }
    }
}

/// The answer of a function that gives a negative number when it fails.
pub fn done(answer: i32) -> Result<i32, Raised> {
    if answer < 0 { Err(Raised::take()) } else { Ok(answer) }
}

/// Text for C.
///
/// # Panics
/// If it has a zero byte: names have none.
pub fn text(text: &str) -> CString {
    CString::new(text).expect("no zero byte in a name")
}

/// None, as a new reference.
pub fn none() -> Owned {
    // SAFETY: [P2]
    unsafe { Owned::from_borrowed(kind::none()) }.expect("an address")
}

/// True or False.
pub fn truth(value: bool) -> Owned {
    // SAFETY: [P2]
    unsafe { Owned::from_borrowed(if value { kind::truth() } else { kind::falsehood() }) }.expect("an address")
}

/// Raises an exception with a message.
pub fn raise(kind: &Owned, message: &CStr) {
    // SAFETY: [P1] [P3]
    unsafe { api::PyErr_SetString(kind.as_ptr(), message.as_ptr()) };
}
