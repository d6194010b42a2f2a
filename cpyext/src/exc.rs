//! Exceptions: the standard tree, and new types in it.

use crate::answer::Res;
use crate::dict;
use crate::err;
use crate::layout::{NULL, Ob, PyGetSetDef, PyObject, PyTypeObject, Ty, flag, has, type_of};
use crate::names;
use crate::own::{Own, xdecref};
use crate::tuple::{items_of, pack};
use crate::type_ready::PyType_Ready;
use crate::types::PyBaseObject_Type;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::offset_of;
use std::ptr::{self, null, null_mut};

/// An exception.
#[repr(C)]
#[derive(Debug)]
pub struct PyBaseExceptionObject {
    ob_base: PyObject,
    dict: Ob,
    args: Ob,
    notes: Ob,
    traceback: Ob,
    context: Ob,
    cause: Ob,
    suppress_context: c_char,
}

macro_rules! exceptions {
    ($($symbol:ident = $name:literal, $base:ident;)*) => {
        $(
            #[doc = concat!("The exception type ", stringify!($name), ".")]
            #[used]
            #[unsafe(no_mangle)]
            pub static mut $symbol: Ob = NULL;
        )*

        /// Makes the tree.
        #[contract]
        pub unsafe fn init() -> Res<()> {
            $($symbol = standard($name, $base)?;)*
            let key_error: Ty = PyExc_KeyError.cast();
            (*key_error).tp_str = Some(c_key_error_str);
            let stop: Ty = PyExc_StopIteration.cast();
            crate::dict::set((*stop).tp_dict, names::get("value").ob(), crate::descr::of_getset(stop, (&raw mut STOP_GETSET).cast())?.ob())
        }

        /// Names and types of the tree.
        #[contract]
        pub unsafe fn all() -> Vec<(&'static CStr, Ob)> {
            vec![$(($name, $symbol)),*]
        }
    };
}

/// The base of the first one.
static mut ROOT: Ob = (&raw mut PyBaseObject_Type).cast();

exceptions! {
    PyExc_BaseException = c"BaseException", ROOT;
    PyExc_Exception = c"Exception", PyExc_BaseException;
    PyExc_GeneratorExit = c"GeneratorExit", PyExc_BaseException;
    PyExc_KeyboardInterrupt = c"KeyboardInterrupt", PyExc_BaseException;
    PyExc_SystemExit = c"SystemExit", PyExc_BaseException;
    PyExc_ArithmeticError = c"ArithmeticError", PyExc_Exception;
    PyExc_FloatingPointError = c"FloatingPointError", PyExc_ArithmeticError;
    PyExc_OverflowError = c"OverflowError", PyExc_ArithmeticError;
    PyExc_ZeroDivisionError = c"ZeroDivisionError", PyExc_ArithmeticError;
    PyExc_AssertionError = c"AssertionError", PyExc_Exception;
    PyExc_AttributeError = c"AttributeError", PyExc_Exception;
    PyExc_BufferError = c"BufferError", PyExc_Exception;
    PyExc_EOFError = c"EOFError", PyExc_Exception;
    PyExc_ImportError = c"ImportError", PyExc_Exception;
    PyExc_ModuleNotFoundError = c"ModuleNotFoundError", PyExc_ImportError;
    PyExc_LookupError = c"LookupError", PyExc_Exception;
    PyExc_IndexError = c"IndexError", PyExc_LookupError;
    PyExc_KeyError = c"KeyError", PyExc_LookupError;
    PyExc_MemoryError = c"MemoryError", PyExc_Exception;
    PyExc_NameError = c"NameError", PyExc_Exception;
    PyExc_UnboundLocalError = c"UnboundLocalError", PyExc_NameError;
    PyExc_OSError = c"OSError", PyExc_Exception;
    PyExc_FileNotFoundError = c"FileNotFoundError", PyExc_OSError;
    PyExc_PermissionError = c"PermissionError", PyExc_OSError;
    PyExc_TimeoutError = c"TimeoutError", PyExc_OSError;
    PyExc_ConnectionError = c"ConnectionError", PyExc_OSError;
    PyExc_ReferenceError = c"ReferenceError", PyExc_Exception;
    PyExc_RuntimeError = c"RuntimeError", PyExc_Exception;
    PyExc_NotImplementedError = c"NotImplementedError", PyExc_RuntimeError;
    PyExc_RecursionError = c"RecursionError", PyExc_RuntimeError;
    PyExc_StopIteration = c"StopIteration", PyExc_Exception;
    PyExc_StopAsyncIteration = c"StopAsyncIteration", PyExc_Exception;
    PyExc_SyntaxError = c"SyntaxError", PyExc_Exception;
    PyExc_SystemError = c"SystemError", PyExc_Exception;
    PyExc_TypeError = c"TypeError", PyExc_Exception;
    PyExc_ValueError = c"ValueError", PyExc_Exception;
    PyExc_UnicodeError = c"UnicodeError", PyExc_ValueError;
    PyExc_UnicodeDecodeError = c"UnicodeDecodeError", PyExc_UnicodeError;
    PyExc_UnicodeEncodeError = c"UnicodeEncodeError", PyExc_UnicodeError;
    PyExc_Warning = c"Warning", PyExc_Exception;
    PyExc_DeprecationWarning = c"DeprecationWarning", PyExc_Warning;
    PyExc_FutureWarning = c"FutureWarning", PyExc_Warning;
    PyExc_PendingDeprecationWarning = c"PendingDeprecationWarning", PyExc_Warning;
    PyExc_ResourceWarning = c"ResourceWarning", PyExc_Warning;
    PyExc_RuntimeWarning = c"RuntimeWarning", PyExc_Warning;
    PyExc_UserWarning = c"UserWarning", PyExc_Warning;
}

/// One of the tree: a static type, made when the runtime starts.
#[contract]
unsafe fn standard(name: &'static CStr, base: Ob) -> Res<Ob> {
    let mut ty = PyTypeObject::new(name, size_of::<PyBaseExceptionObject>(), flag::BASETYPE | flag::EXCEPTION);
    ty.tp_base = base.cast();
    ty.tp_dictoffset = offset_of!(PyBaseExceptionObject, dict) as isize;
    ty.tp_dealloc = Some(c_exception_dealloc);
    ty.tp_traverse = Some(c_exception_traverse);
    ty.tp_new = Some(c_exception_new);
    ty.tp_init = Some(c_exception_init);
    ty.tp_str = Some(c_exception_str);
    ty.tp_repr = Some(c_exception_repr);
    if ptr::eq(base, ROOT) {
        ty.tp_getset = (&raw mut GETSET).cast();
    }
    let ty = Box::leak(Box::new(ty));
    PyType_Ready(ty)?;
    Ok(ptr::from_mut(ty).cast())
}

/// Whether an object is an exception type.
pub fn is_exception_type(ob: Ob) -> bool {
    // SAFETY: [X2] a live object; a type if its flag says so.
    has(ob, flag::TYPE) && unsafe { (*ob.cast::<PyTypeObject>()).tp_flags & flag::EXCEPTION != 0 }
}

#[contract]
unsafe fn head<'a>(ob: Ob) -> &'a mut PyBaseExceptionObject {
    &mut *ob.cast()
}

/// An instance with its arguments.
#[slot]
pub unsafe fn exception_new(ty: Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    let ob = crate::type_alloc::new_instance(ty)?;
    head(ob.ob()).args = if args.is_null() { pack(&[])? } else { Own::share(args) }.into_raw();
    Ok(ob)
}

/// Sets the arguments.
#[slot]
pub unsafe fn exception_init(ob: Ob, args: Ob, _kwargs: Ob) -> Res<()> {
    let old = ptr::replace(&raw mut head(ob).args, Own::share(args).into_raw());
    xdecref(old);
    Ok(())
}

/// Frees an exception.
#[slot]
pub unsafe fn exception_dealloc(ob: Ob) {
    let this = head(ob);
    let parts = [this.dict, this.args, this.notes, this.traceback, this.context, this.cause];
    crate::types::free(ob);
    parts.into_iter().for_each(xdecref);
}

/// Visits what C counts.
#[slot]
pub unsafe fn exception_traverse(ob: Ob, visit: crate::layout::visitproc, arg: *mut c_void) -> c_int {
    let this = head(ob);
    for part in [this.dict, this.args, this.notes, this.traceback, this.context, this.cause] {
        if !part.is_null() {
            let answer = visit(part, arg);
            if answer != 0 {
                return answer;
            }
        }
    }
    0
}

/// The argument, or all of them, or nothing.
#[slot]
pub unsafe fn exception_str(ob: Ob) -> Res<Own> {
    match items_of(head(ob).args) {
        [] => crate::unicode::from_str(""),
        [one] => crate::object::PyObject_Str(*one),
        _ => crate::object::PyObject_Str(head(ob).args),
    }
}

/// The `repr` of a missing key: an empty str is a key, too.
#[slot]
unsafe fn key_error_str(ob: Ob) -> Res<Own> {
    match items_of(head(ob).args) {
        [one] => crate::object::PyObject_Repr(*one),
        _ => exception_str(ob),
    }
}

/// `Name(arguments)`
#[slot]
pub unsafe fn exception_repr(ob: Ob) -> Res<Own> {
    let name = crate::types::name_of(type_of(ob));
    let args = match items_of(head(ob).args) {
        [one] => format!("({})", crate::object::repr_text(*one)),
        _ => crate::object::repr_text(head(ob).args),
    };
    crate::unicode::from_str(&(name + &args))
}

#[slot]
unsafe fn get_args(ob: Ob, _: *mut c_void) -> Own {
    Own::share(head(ob).args)
}

#[slot]
unsafe fn set_args(ob: Ob, value: Ob, _: *mut c_void) -> Res<()> {
    if value.is_null() {
        return err::type_error("args may not be deleted");
    }
    let new = crate::sequence::PySequence_Tuple(value)?;
    xdecref(ptr::replace(&raw mut head(ob).args, new.into_raw()));
    Ok(())
}

#[slot]
unsafe fn get_cause(ob: Ob, _: *mut c_void) -> Own {
    Own::new_shared(head(ob).cause).unwrap_or_else(|| Own::share(crate::object::none()))
}

#[slot]
unsafe fn get_context(ob: Ob, _: *mut c_void) -> Own {
    Own::new_shared(head(ob).context).unwrap_or_else(|| Own::share(crate::object::none()))
}

#[slot]
unsafe fn get_stop_value(ob: Ob, _: *mut c_void) -> Own {
    match items_of(head(ob).args) {
        [value, ..] => Own::share(*value),
        [] => Own::share(crate::object::none()),
    }
}

const fn computed(name: &'static CStr, get: crate::layout::getter, set: Option<crate::layout::setter>) -> PyGetSetDef {
    PyGetSetDef { name: name.as_ptr(), get: Some(get), set, doc: null(), closure: null_mut() }
}

static mut GETSET: [PyGetSetDef; 4] = [
    computed(c"args", c_get_args, Some(c_set_args)),
    computed(c"__cause__", c_get_cause, None),
    computed(c"__context__", c_get_context, None),
    crate::type_object::END,
];
static mut STOP_GETSET: [PyGetSetDef; 1] = [computed(c"value", c_get_stop_value, None)];

/// An instance of an exception type, of what was raised as its value: nothing, the arguments, or one argument.
#[contract]
pub unsafe fn make(ty: Ty, value: Ob) -> Res<Own> {
    let args = if value.is_null() || ptr::eq(value, crate::object::none()) {
        pack(&[])?
    } else if has(value, flag::TUPLE) {
        Own::share(value)
    } else {
        pack(&[value])?
    };
    let made = crate::call::PyObject_Call(ty.cast(), args.ob(), NULL)?;
    if !has(made.ob(), flag::EXCEPTION) {
        let kind = crate::types::kind_of(made.ob());
        return err::type_error(&format!("calling an exception type should have returned one, not {kind}"));
    }
    Ok(made)
}

/// A new exception type, `module.Name`.
#[contract]
pub unsafe fn new_type(name: &CStr, base: Ob, attributes: Ob) -> Res<Own> {
    let text = name.to_string_lossy();
    let Some((module, _)) = text.rsplit_once('.') else {
        return err::raise(PyExc_SystemError, "PyErr_NewException: name must be module.class");
    };
    let base = match base {
        _ if base.is_null() => PyExc_Exception,
        _ if has(base, flag::TUPLE) => match items_of(base) {
            [base] => *base,
            _ => return err::type_error("a type has one base type"),
        },
        _ => base,
    };
    let ty = crate::type_spec::derive(name, base.cast(), attributes)?;
    let module = crate::unicode::from_str(module)?;
    dict::set((*ty.ob().cast::<PyTypeObject>()).tp_dict, names::get("__module__").ob(), module.ob())?;
    Ok(ty)
}

/// Sets the cause; steals the reference.
#[capi]
pub unsafe fn PyException_SetCause(ob: Ob, cause: Ob) {
    xdecref(ptr::replace(&raw mut head(ob).cause, cause));
    head(ob).suppress_context = 1;
}

/// Sets the context; steals the reference.
#[capi]
pub unsafe fn PyException_SetContext(ob: Ob, context: Ob) {
    xdecref(ptr::replace(&raw mut head(ob).context, context));
}

/// The cause, or NULL.
#[capi]
pub unsafe fn PyException_GetCause(ob: Ob) -> Ob {
    Own::new_shared(head(ob).cause).map_or(NULL, Own::into_raw)
}

/// The context, or NULL.
#[capi]
pub unsafe fn PyException_GetContext(ob: Ob) -> Ob {
    Own::new_shared(head(ob).context).map_or(NULL, Own::into_raw)
}

/// The traceback: nothing here makes one, but C may have set it.
#[capi]
pub unsafe fn PyException_GetTraceback(ob: Ob) -> Ob {
    Own::new_shared(head(ob).traceback).map_or(NULL, Own::into_raw)
}

/// Sets the traceback.
#[capi]
pub unsafe fn PyException_SetTraceback(ob: Ob, traceback: Ob) -> c_int {
    let new = Own::new_shared(traceback).map_or(NULL, Own::into_raw);
    xdecref(ptr::replace(&raw mut head(ob).traceback, new));
    0
}
