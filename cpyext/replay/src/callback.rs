//! Stand-ins for Python functions that the suite passed to the module: each call is compared with the recorded one, in
//! order, and answered as recorded.
//!
//! A stand-in is a builtin function whose `self` is its number. While an operation runs, the calls that it is to make
//! are in a cell of the thread, with the tables that tell what their arguments were.

use crate::api::{self, METH_VARARGS, Ob, PyMethodDef};
use crate::owned::{Owned, Raised, none, raise, text};
use crate::recording::{Callback, Outcome};
use crate::tables::Tables;
use crate::value::Value;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ptr::null_mut;

/// Calls that the running operation is to make.
struct Expected {
    calls: VecDeque<Callback>,
    tables: *mut Tables,
    differs: Vec<String>,
}

thread_local! {
    static EXPECTED: RefCell<Option<Expected>> = const { RefCell::new(None) };
}

/// A new stand-in.
pub fn stand_in(number: u64) -> Result<Owned, Raised> {
    // SAFETY: [P1] a number.
    let this = unsafe { Owned::new(api::PyLong_FromLongLong(number as i64)) }?;
    // Lives as long as the function, which is as long as the implementation likes.
    let definition = Box::leak(Box::new(PyMethodDef {
        name: c"callback".as_ptr(),
        function: Some(called),
        flags: METH_VARARGS,
        doc: std::ptr::null(),
    }));
    // SAFETY: [P1] the definition is never freed; no module.
    unsafe { Owned::new(api::PyCFunction_NewEx(definition, this.as_ptr(), null_mut())) }
}

/// Runs an operation that is to make these calls, and says where it made others.
pub fn expecting<T>(calls: &[Callback], tables: &mut Tables, operation: impl FnOnce() -> T) -> (T, Vec<String>) {
    let expected = Expected { calls: calls.iter().cloned().collect(), tables, differs: vec![] };
    let outer = EXPECTED.replace(Some(expected));
    let result = operation();
    let Expected { calls, mut differs, .. } = EXPECTED.replace(outer).expect("put there above");
    if !calls.is_empty() {
        differs.push(format!("{} calls of Python functions were not made", calls.len()));
    }
    (result, differs)
}

/// What the implementation calls.
unsafe extern "C" fn called(this: Ob, args: Ob) -> Ob {
    let next = EXPECTED.with_borrow_mut(|expected| {
        let expected = expected.as_mut()?;
        let call = expected.calls.pop_front();
        if call.is_none() {
            expected.differs.push("a Python function is called more often than recorded".into());
        }
        Some((call?, expected.tables))
    });
    let Some((call, tables)) = next else {
        raise(&exception("TypeError"), c"a call that was not recorded");
        return null_mut();
    };
    // SAFETY: [P5] the tables outlive `expecting`, which does not use them while the operation runs.
    let tables = unsafe { &mut *tables };
    // SAFETY: [P1] borrowed from the caller.
    let numbers = unsafe { (Owned::from_borrowed(this), Owned::from_borrowed(args)) };
    let (Ok(this), Ok(args)) = numbers else {
        raise(&exception("TypeError"), c"called with null");
        return null_mut();
    };
    let differs =
        [tables.same(&Value::Int(call.function as i64), &this), tables.same(&Value::Tuple(call.args.clone()), &args)];
    for what in differs.into_iter().filter_map(Result::err) {
        note(format!("in a call of a Python function: {what}"));
    }
    match &call.outcome {
        Outcome::Returned(value) => match tables.make(value) {
            Ok(answer) => answer.into_ptr(),
            Err(raised) => {
                note(format!("no answer for a call of a Python function: {}", raised.message));
                none().into_ptr()
            }
        },
        Outcome::Raised { kind, message, .. } => {
            raise(&exception(kind), &text(message.as_deref().unwrap_or_default()));
            null_mut()
        }
    }
}

fn note(what: String) {
    EXPECTED.with_borrow_mut(|expected| expected.iter_mut().for_each(|expected| expected.differs.push(what.clone())));
}

/// A builtin exception; `Exception` for one that has no name here, so that the difference shows.
fn exception(name: &str) -> Owned {
    let place = match name {
        "TypeError" => &raw mut api::PyExc_TypeError,
        "ValueError" => &raw mut api::PyExc_ValueError,
        "KeyError" => &raw mut api::PyExc_KeyError,
        "IndexError" => &raw mut api::PyExc_IndexError,
        "RuntimeError" => &raw mut api::PyExc_RuntimeError,
        _ => &raw mut api::PyExc_Exception,
    };
    // SAFETY: [P2] set before any extension runs, and never again.
    let kind = unsafe { Owned::from_borrowed(*place) };
    kind.expect("an exception's type is there")
}
