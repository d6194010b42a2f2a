//! The operations of a recording, by the names that Python's `operator` gives them, through the C-API.

use crate::api::{self, Ob, Size};
use crate::owned::{Owned, Raised, done, none, truth};

type Binary = unsafe extern "C" fn(Ob, Ob) -> Ob;
type Unary = unsafe extern "C" fn(Ob) -> Ob;

/// Python's order of comparisons: `Py_LT` is 0.
const COMPARISONS: [&str; 6] = ["lt", "le", "eq", "ne", "gt", "ge"];

/// Calls an object.
pub fn call(callable: &Owned, args: &Owned, keywords: Option<&Owned>) -> Result<Owned, Raised> {
    let keywords = keywords.map_or(std::ptr::null_mut(), Owned::as_ptr);
    // SAFETY: [P1] a tuple, and a dict or null.
    unsafe { Owned::new(api::PyObject_Call(callable.as_ptr(), args.as_ptr(), keywords)) }
}

/// Applies an operator; none if a replay does not know it.
pub fn apply(op: &str, args: &[Owned]) -> Option<Result<Owned, Raised>> {
    Some(match args {
        [a] => unary(op, a)?,
        [a, b] => binary(op, a, b)?,
        [a, b, c] => match op {
            // SAFETY: [P1]
            "setitem" => nothing(unsafe { api::PyObject_SetItem(a.as_ptr(), b.as_ptr(), c.as_ptr()) }),
            "setattr" => a.set_attribute(&b.as_str()?, Some(c)).map(|()| none()),
            _ => return None,
        },
        _ => return None,
    })
}

fn unary(op: &str, a: &Owned) -> Option<Result<Owned, Raised>> {
    let function: Unary = match op {
        "neg" => api::PyNumber_Negative,
        "repr" => api::PyObject_Repr,
        "str" => api::PyObject_Str,
        "iter" => api::PyObject_GetIter,
        "next" => return Some(next(a)),
        // SAFETY: [P1]
        "bool" => return Some(done(unsafe { api::PyObject_IsTrue(a.as_ptr()) }).map(|answer| truth(answer != 0))),
        // SAFETY: [P1]
        "len" => return Some(size(unsafe { api::PyObject_Size(a.as_ptr()) })),
        // SAFETY: [P1]
        "hash" => return Some(size(unsafe { api::PyObject_Hash(a.as_ptr()) })),
        _ => return None,
    };
    // SAFETY: [P1] each takes a live object.
    Some(unsafe { Owned::new(function(a.as_ptr())) })
}

fn binary(op: &str, a: &Owned, b: &Owned) -> Option<Result<Owned, Raised>> {
    let function: Binary = match op {
        "add" => api::PyNumber_Add,
        "sub" => api::PyNumber_Subtract,
        "mul" => api::PyNumber_Multiply,
        "truediv" => api::PyNumber_TrueDivide,
        "or" => api::PyNumber_Or,
        "getitem" => api::PyObject_GetItem,
        // SAFETY: [P1]
        "delitem" => return Some(nothing(unsafe { api::PyObject_DelItem(a.as_ptr(), b.as_ptr()) })),
        "contains" => {
            // SAFETY: [P1]
            return Some(
                done(unsafe { api::PySequence_Contains(a.as_ptr(), b.as_ptr()) }).map(|found| truth(found != 0)),
            );
        }
        "getattr" => return Some(a.attribute(&b.as_str()?)),
        "delattr" => return Some(a.set_attribute(&b.as_str()?, None).map(|()| none())),
        _ => {
            let comparison = COMPARISONS.iter().position(|name| *name == op)?;
            // SAFETY: [P1]
            return Some(unsafe { Owned::new(api::PyObject_RichCompare(a.as_ptr(), b.as_ptr(), comparison as i32)) });
        }
    };
    // SAFETY: [P1] each takes live objects.
    Some(unsafe { Owned::new(function(a.as_ptr(), b.as_ptr())) })
}

/// The next item; the end is what Python makes of it, StopIteration.
fn next(a: &Owned) -> Result<Owned, Raised> {
    // SAFETY: [P1]
    if unsafe { api::PyIter_Check(a.as_ptr()) } == 0 {
        let message = format!("'{}' object is not an iterator", a.kind_name());
        return Err(Raised { kind: "TypeError".into(), message, args: None });
    }
    // SAFETY: [P1] an iterator; null without an exception is its end.
    let item = unsafe { api::PyIter_Next(a.as_ptr()) };
    // SAFETY: [P1]
    if item.is_null() && unsafe { api::PyErr_Occurred() }.is_null() {
        return Err(Raised { kind: "StopIteration".into(), message: String::new(), args: None });
    }
    // SAFETY: [P1] a new reference, or null and an exception.
    unsafe { Owned::new(item) }
}

fn nothing(answer: i32) -> Result<Owned, Raised> {
    done(answer).map(|_| none())
}

fn size(answer: Size) -> Result<Owned, Raised> {
    if answer == -1 {
        return Err(Raised::take());
    }
    // SAFETY: [P1] a number.
    unsafe { Owned::new(api::PyLong_FromLongLong(answer as i64)) }
}
