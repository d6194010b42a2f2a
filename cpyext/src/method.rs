//! Functions of C as objects, bound to an instance or a module; and how they are called.
//!
//! Arguments come as an array with names for the last of them (vectorcall), or as a tuple and a dict; each kind of
//! function gets what its flags ask for, and a tuple or dict is made only if it has to.

use crate::answer::{Raised, Res, owned};
use crate::call::Arguments;
use crate::err;
use crate::layout::{NULL, Ob, PyCFunction, PyGetSetDef, PyMethodDef, PyObject, Ty, flag, has};
use crate::own::{Own, incref, xdecref};
use crate::types::{PyCFunction_Type, PyMethod_Type};
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{CStr, c_int, c_void};
use std::mem::transmute;
use std::ptr::{self, null, null_mut};

const METH_VARARGS: c_int = 1;
const METH_KEYWORDS: c_int = 2;
const METH_NOARGS: c_int = 4;
const METH_O: c_int = 8;
/// The function gets the type.
pub const METH_CLASS: c_int = 0x10;
/// The function gets no instance.
pub const METH_STATIC: c_int = 0x20;
/// The method takes the place of the slot's wrapper.
pub const METH_COEXIST: c_int = 0x40;
const METH_FASTCALL: c_int = 0x80;
const METH_METHOD: c_int = 0x200;
const CALLING: c_int = METH_VARARGS | METH_KEYWORDS | METH_NOARGS | METH_O | METH_FASTCALL | METH_METHOD;

/// A function of C.
#[repr(C)]
#[derive(Debug)]
pub struct PyCFunctionObject {
    ob_base: PyObject,
    pub(crate) m_ml: *mut PyMethodDef,
    pub(crate) m_self: Ob,
    m_module: Ob,
    m_weakreflist: Ob,
    vectorcall: *mut c_void,
    mm_class: Ty,
}

/// A function that is bound to an instance.
#[repr(C)]
#[derive(Debug)]
pub struct PyMethodObject {
    ob_base: PyObject,
    im_func: Ob,
    im_self: Ob,
    im_weakreflist: Ob,
    vectorcall: *mut c_void,
}

/// A function object; `this` and `module` may be null.
#[contract]
pub unsafe fn new(entry: *mut PyMethodDef, this: Ob, module: Ob, class: Ty) -> Res<Own> {
    let ob = crate::types::alloc_instance(&raw mut PyCFunction_Type, 0)?;
    let function = ob.ob().cast::<PyCFunctionObject>();
    for one in [this, module] {
        if !one.is_null() {
            incref(one);
        }
    }
    ((*function).m_ml, (*function).m_self, (*function).m_module, (*function).mm_class) = (entry, this, module, class);
    Ok(ob)
}

/// Frees a function.
#[slot]
pub unsafe fn function_dealloc(ob: Ob) {
    let function = ob.cast::<PyCFunctionObject>();
    let (this, module) = ((*function).m_self, (*function).m_module);
    crate::types::free(ob);
    xdecref(this);
    xdecref(module);
}

/// A function object.
#[capi]
pub unsafe fn PyCFunction_NewEx(entry: *mut PyMethodDef, this: Ob, module: Ob) -> Res<Own> {
    new(entry, this, module, null_mut())
}

/// A function object with the type that defines it.
#[capi]
pub unsafe fn PyCMethod_New(entry: *mut PyMethodDef, this: Ob, module: Ob, class: Ty) -> Res<Own> {
    new(entry, this, module, class)
}

/// The function of C.
#[capi]
pub unsafe fn PyCFunction_GetFunction(ob: Ob) -> Res<*mut c_void> {
    if !ptr::eq(crate::layout::type_of(ob), &raw mut PyCFunction_Type) {
        return err::bad_internal_call("bad argument to internal function");
    }
    Ok((*(*ob.cast::<PyCFunctionObject>()).m_ml).ml_meth.map_or(null_mut(), |f| f as *mut c_void))
}

/// What the function is bound to, borrowed.
#[capi]
pub unsafe fn PyCFunction_GetSelf(ob: Ob) -> Ob {
    (*ob.cast::<PyCFunctionObject>()).m_self
}

#[contract]
unsafe fn name<'a>(entry: *mut PyMethodDef) -> std::borrow::Cow<'a, str> {
    CStr::from_ptr((*entry).ml_name).to_string_lossy()
}

/// The name as messages have it: with the type's, if it is a method's.
#[contract]
unsafe fn shown_name(function: *mut PyCFunctionObject) -> String {
    let name = name((*function).m_ml);
    let this = (*function).m_self;
    if this.is_null() {
        return name.into_owned();
    }
    if ptr::eq(crate::layout::type_of(this), &raw mut crate::types::PyModule_Type) {
        let module = crate::module::name_text(this);
        return format!("{module}.{name}");
    }
    let ty = if has(this, flag::TYPE) { this.cast() } else { crate::layout::type_of(this) };
    format!("{}.{name}", crate::types::name_of(ty))
}

/// The function of C, if it takes no arguments or one, and that is how many there are.
#[inline]
#[contract]
pub unsafe fn simple(ob: Ob, count: usize) -> Option<PyCFunction> {
    let entry = (*ob.cast::<PyCFunctionObject>()).m_ml;
    let wanted = if count == 0 { METH_NOARGS } else { METH_O };
    if (*entry).ml_flags & CALLING == wanted && count <= 1 { (*entry).ml_meth } else { None }
}

/// What a function is bound to, borrowed; or null.
#[inline]
#[contract]
pub unsafe fn this(ob: Ob) -> Ob {
    (*ob.cast::<PyCFunctionObject>()).m_self
}

/// Calls a function object.
#[contract]
pub unsafe fn call(ob: Ob, args: &Arguments<'_>) -> Res<Own> {
    let function = ob.cast::<PyCFunctionObject>();
    let entry = (*function).m_ml;
    let this = (*function).m_self;
    let Some(f) = (*entry).ml_meth else { return err::bad_internal_call("a method without a function") };
    let flags = (*entry).ml_flags & CALLING;
    if flags & METH_KEYWORDS == 0 && args.has_keywords() {
        return err::type_error(&format!("{}() takes no keyword arguments", shown_name(function)));
    }
    let _depth = crate::object::Depth::enter(" while calling a Python object")?;
    let answer = match flags {
        METH_NOARGS if args.positional().is_empty() => f(this, NULL),
        METH_NOARGS => {
            let (name, count) = (shown_name(function), args.positional().len());
            return err::type_error(&format!("{name}() takes no arguments ({count} given)"));
        }
        METH_O => match args.positional() {
            [one] => f(this, *one),
            all => {
                let name = shown_name(function);
                return err::type_error(&format!("{name}() takes exactly one argument ({} given)", all.len()));
            }
        },
        METH_VARARGS => f(this, args.tuple()?.ob()),
        _ if flags == METH_VARARGS | METH_KEYWORDS => {
            let f: unsafe extern "C" fn(Ob, Ob, Ob) -> Ob = transmute(f);
            let (tuple, dict) = (args.tuple()?, args.dict()?);
            f(this, tuple.ob(), dict.as_ref().map_or(NULL, Own::ob))
        }
        METH_FASTCALL => {
            let f: unsafe extern "C" fn(Ob, *const Ob, isize) -> Ob = transmute(f);
            f(this, args.positional().as_ptr(), args.positional().len() as isize)
        }
        _ if flags == METH_FASTCALL | METH_KEYWORDS => {
            let f: unsafe extern "C" fn(Ob, *const Ob, isize, Ob) -> Ob = transmute(f);
            let all = args.vector()?;
            f(this, all.values().as_ptr(), all.count as isize, all.names())
        }
        _ if flags == METH_METHOD | METH_FASTCALL | METH_KEYWORDS => {
            let f: unsafe extern "C" fn(Ob, Ty, *const Ob, isize, Ob) -> Ob = transmute(f);
            let all = args.vector()?;
            f(this, (*function).mm_class, all.values().as_ptr(), all.count as isize, all.names())
        }
        _ => return err::bad_internal_call("method: bad call flags"),
    };
    checked(answer)
}

/// An answer of C: exactly one of an object and an exception.
#[inline]
#[contract]
pub unsafe fn checked(answer: Ob) -> Res<Own> {
    match Own::new(answer) {
        Some(answer) if !err::is_raised() => Ok(answer),
        answer => unanswered(answer),
    }
}

#[cold]
#[contract]
unsafe fn unanswered(answer: Option<Own>) -> Res<Own> {
    match (answer, err::is_raised()) {
        (Some(answer), false) => Ok(answer),
        (None, true) => Err(Raised),
        (None, false) => err::bad_internal_call("a function returned NULL without setting an exception"),
        (Some(_), true) => err::bad_internal_call("a function returned a result with an exception set"),
    }
}

/// A function called with a tuple and a dict.
#[slot]
pub unsafe fn function_call(ob: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    call(ob, &Arguments::Tuple { args, kwargs })
}

/// `<built-in function name>`
#[slot]
pub unsafe fn function_repr(ob: Ob) -> Res<Own> {
    let function = ob.cast::<PyCFunctionObject>();
    let name = name((*function).m_ml);
    let this = (*function).m_self;
    if this.is_null() || ptr::eq(crate::layout::type_of(this), &raw mut crate::types::PyModule_Type) {
        return crate::unicode::from_str(&format!("<built-in function {name}>"));
    }
    let kind = crate::types::kind_of(this);
    crate::unicode::from_str(&format!("<built-in method {name} of {kind} object at {this:p}>"))
}

/// The text of a documentation without the signature that may come first.
pub fn doc_of(text: &str) -> &str {
    text.split_once(")\n--\n\n").map_or(text, |(_, doc)| doc)
}

#[slot]
unsafe fn get_name(ob: Ob, _: *mut c_void) -> Res<Own> {
    crate::unicode::from_str(&name((*ob.cast::<PyCFunctionObject>()).m_ml))
}

#[slot]
unsafe fn get_doc(ob: Ob, _: *mut c_void) -> Res<Own> {
    let doc = (*(*ob.cast::<PyCFunctionObject>()).m_ml).ml_doc;
    if doc.is_null() {
        return Ok(Own::share(crate::object::none()));
    }
    crate::unicode::from_str(doc_of(&CStr::from_ptr(doc).to_string_lossy()))
}

#[slot]
unsafe fn get_module(ob: Ob, _: *mut c_void) -> Own {
    Own::new_shared((*ob.cast::<PyCFunctionObject>()).m_module).unwrap_or_else(|| Own::share(crate::object::none()))
}

#[slot]
unsafe fn get_self(ob: Ob, _: *mut c_void) -> Own {
    Own::new_shared((*ob.cast::<PyCFunctionObject>()).m_self).unwrap_or_else(|| Own::share(crate::object::none()))
}

static mut GETSET: [PyGetSetDef; 5] = [
    PyGetSetDef { name: c"__module__".as_ptr(), get: Some(c_get_module), set: None, doc: null(), closure: null_mut() },
    PyGetSetDef { name: c"__self__".as_ptr(), get: Some(c_get_self), set: None, doc: null(), closure: null_mut() },
    PyGetSetDef { name: c"__name__".as_ptr(), get: Some(c_get_name), set: None, doc: null(), closure: null_mut() },
    PyGetSetDef { name: c"__doc__".as_ptr(), get: Some(c_get_doc), set: None, doc: null(), closure: null_mut() },
    crate::type_object::END,
];

/// The computed attributes of functions.
pub const fn getset() -> *mut PyGetSetDef {
    (&raw mut GETSET).cast()
}

/// `T.__new__`: what a type makes its instances with, called with the type to make one of.
#[slot]
unsafe fn call_new(this: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    let ty: Ty = this.cast();
    let [wanted, rest @ ..] = crate::tuple::items_of(args) else {
        return err::type_error(&format!("{}.__new__(): not enough arguments", crate::types::name_of(ty)));
    };
    if !has(*wanted, flag::TYPE) || crate::types::PyType_IsSubtype(wanted.cast(), ty) == 0 {
        let (name, kind) = (crate::types::name_of(ty), crate::types::kind_of(*wanted));
        return err::type_error(&format!("{name}.__new__(X): X is not a subtype of {name} ({kind})"));
    }
    let Some(new) = (*ty).tp_new else { return err::type_error("the type makes no instances") };
    let rest = crate::tuple::pack(rest)?;
    owned(new(wanted.cast(), rest.ob(), kwargs))
}

static mut NEW: PyMethodDef = PyMethodDef {
    ml_name: c"__new__".as_ptr(),
    // SAFETY: [X3] a function that takes keywords; the flags say so, and callers go by them.
    ml_meth: Some(unsafe {
        transmute::<unsafe extern "C" fn(Ob, Ob, Ob) -> Ob, PyCFunction>(
            c_call_new as unsafe extern "C" fn(Ob, Ob, Ob) -> Ob,
        )
    }),
    ml_flags: METH_VARARGS | METH_KEYWORDS,
    ml_doc: null(),
};

/// The `__new__` of a type.
#[contract]
pub unsafe fn constructor(ty: Ty) -> Res<Own> {
    new(&raw mut NEW, ty.cast(), NULL, null_mut())
}

/// A function bound to an instance.
#[capi]
pub unsafe fn PyMethod_New(function: Ob, this: Ob) -> Res<Own> {
    let ob = crate::types::alloc_instance(&raw mut PyMethod_Type, 0)?;
    incref(function);
    incref(this);
    ((*ob.ob().cast::<PyMethodObject>()).im_func, (*ob.ob().cast::<PyMethodObject>()).im_self) = (function, this);
    Ok(ob)
}

/// Frees a bound function.
#[slot]
pub unsafe fn method_dealloc(ob: Ob) {
    let method = ob.cast::<PyMethodObject>();
    let (function, this) = ((*method).im_func, (*method).im_self);
    crate::types::free(ob);
    xdecref(function);
    xdecref(this);
}

/// Calls the function with the instance first.
#[slot]
pub unsafe fn method_call(ob: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    let method = ob.cast::<PyMethodObject>();
    let mut all = vec![(*method).im_self];
    all.extend(crate::tuple::items_of(args));
    let all = crate::tuple::pack(&all)?;
    crate::call::PyObject_Call((*method).im_func, all.ob(), kwargs)
}
