//! Calls: the ways to hand over arguments, from one to the other.

use crate::answer::{Res, owned};
use crate::dict;
use crate::err;
use crate::layout::{NULL, Ob, flag, type_of, vectorcallfunc};
use crate::method;
use crate::own::Own;
use crate::runtime::bury;
use crate::tuple::{items_of, pack};
use crate::types::PyCFunction_Type;
use handfast_cpyext_macros::{capi, contract};
use std::ptr;

/// Arguments as a caller has them.
#[derive(Debug)]
pub enum Arguments<'a> {
    /// A tuple, and a dict or null.
    Tuple {
        /// The positional ones.
        args: Ob,
        /// Those with names.
        kwargs: Ob,
    },
    /// The positional ones, then those whose names are in a tuple (or null).
    Vector {
        /// All values.
        values: &'a [Ob],
        /// How many have no name.
        count: usize,
        /// The names of the others.
        names: Ob,
    },
}

/// Arguments as an array, and what holds it.
#[derive(Debug)]
pub struct Vector<'a> {
    values: Option<Vec<Ob>>,
    borrowed: &'a [Ob],
    /// How many have no name.
    pub count: usize,
    names: Ob,
    _held: Option<Own>,
}

impl Vector<'_> {
    /// All values.
    pub fn values(&self) -> &[Ob] {
        self.values.as_deref().unwrap_or(self.borrowed)
    }

    /// The names of the last ones, or null.
    pub fn names(&self) -> Ob {
        self.names
    }
}

impl<'a> Arguments<'a> {
    /// The positional ones.
    #[contract]
    pub unsafe fn positional(&self) -> &'a [Ob] {
        match *self {
            Arguments::Tuple { args, .. } => items_of(args),
            Arguments::Vector { values, count, .. } => &values[..count],
        }
    }

    /// Whether there are some with names.
    #[contract]
    pub unsafe fn has_keywords(&self) -> bool {
        match *self {
            Arguments::Tuple { kwargs, .. } => !kwargs.is_null() && dict::len(kwargs) > 0,
            Arguments::Vector { names, .. } => !names.is_null() && !items_of(names).is_empty(),
        }
    }

    /// The positional ones as a tuple.
    #[contract]
    pub unsafe fn tuple(&self) -> Res<Own> {
        match *self {
            Arguments::Tuple { args, .. } => Ok(Own::share(args)),
            Arguments::Vector { values, count, .. } => pack(&values[..count]),
        }
    }

    /// Those with names as a dict, if there are some.
    #[contract]
    pub unsafe fn dict(&self) -> Res<Option<Own>> {
        if !self.has_keywords() {
            return Ok(None);
        }
        match *self {
            Arguments::Tuple { kwargs, .. } => Ok(Some(Own::share(kwargs))),
            Arguments::Vector { values, count, names } => {
                let made = dict::new()?;
                for (&name, &value) in items_of(names).iter().zip(&values[count..]) {
                    dict::set(made.ob(), name, value)?;
                }
                Ok(Some(made))
            }
        }
    }

    /// All as an array.
    #[contract]
    pub unsafe fn vector(&self) -> Res<Vector<'a>> {
        match *self {
            Arguments::Vector { values, count, names } => {
                Ok(Vector { values: None, borrowed: values, count, names, _held: None })
            }
            Arguments::Tuple { args, .. } if !self.has_keywords() => {
                let borrowed = items_of(args);
                Ok(Vector { values: None, borrowed, count: borrowed.len(), names: NULL, _held: None })
            }
            Arguments::Tuple { args, kwargs } => {
                let (mut values, mut names, mut at) = (items_of(args).to_vec(), vec![], 0);
                let count = values.len();
                while let Some((name, value, _)) = dict::next(kwargs, &mut at) {
                    if !crate::unicode::is_str(name) {
                        return err::type_error("keywords must be strings");
                    }
                    names.push(name);
                    values.push(value);
                }
                let names = pack(&names)?;
                Ok(Vector { values: Some(values), borrowed: &[], count, names: names.ob(), _held: Some(names) })
            }
        }
    }
}

/// Calls an object.
#[inline]
#[contract]
pub unsafe fn call(callable: Ob, args: &Arguments<'_>) -> Res<Own> {
    if let Arguments::Vector { values, count, names } = *args
        && names.is_null()
        && values.len() == count
        && ptr::eq(type_of(callable), &raw mut PyCFunction_Type)
        && let Some(function) = method::simple(callable, count)
    {
        bury();
        let _depth = crate::object::Depth::enter(" while calling a Python object")?;
        return method::checked(function(method::this(callable), values.first().copied().unwrap_or(NULL)));
    }
    call_any(callable, args)
}

/// The same, whatever it is.
#[inline(never)]
#[contract]
unsafe fn call_any(callable: Ob, args: &Arguments<'_>) -> Res<Own> {
    bury();
    let ty = type_of(callable);
    if ptr::eq(ty, &raw mut PyCFunction_Type) {
        return method::call(callable, args);
    }
    if (*ty).tp_flags & flag::HAVE_VECTORCALL != 0 {
        let place = callable.cast::<u8>().offset((*ty).tp_vectorcall_offset).cast::<Option<vectorcallfunc>>();
        if let Some(function) = place.read() {
            let all = args.vector()?;
            return method::checked(function(callable, all.values().as_ptr(), all.count, all.names()));
        }
    }
    let Some(function) = (*ty).tp_call else {
        return err::type_error(&format!("'{}' object is not callable", crate::types::kind_of(callable)));
    };
    let (tuple, dict) = (args.tuple()?, args.dict()?);
    let _depth = crate::object::Depth::enter(" while calling a Python object")?;
    method::checked(function(callable, tuple.ob(), dict.as_ref().map_or(NULL, Own::ob)))
}

/// Calls an object with these arguments.
#[inline]
#[contract]
pub unsafe fn with(callable: Ob, values: &[Ob]) -> Res<Own> {
    call(callable, &Arguments::Vector { values, count: values.len(), names: NULL })
}

/// Calls a method of an object.
#[contract]
pub unsafe fn method(ob: Ob, name: &str, values: &[Ob]) -> Res<Own> {
    let found = crate::attr::PyObject_GetAttr(ob, crate::names::get(name).ob())?;
    with(found.ob(), values)
}

/// `callable(*args, **kwargs)`
#[capi]
pub unsafe fn PyObject_Call(callable: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    call(callable, &Arguments::Tuple { args, kwargs })
}

/// `callable(*args)`; NULL stands for no arguments.
#[capi]
pub unsafe fn PyObject_CallObject(callable: Ob, args: Ob) -> Res<Own> {
    if args.is_null() {
        return with(callable, &[]);
    }
    if !crate::tuple::is_tuple(args) {
        return err::type_error("argument list must be a tuple");
    }
    PyObject_Call(callable, args, NULL)
}

/// `callable()`
#[capi]
pub unsafe fn PyObject_CallNoArgs(callable: Ob) -> Res<Own> {
    with(callable, &[])
}

/// `callable(argument)`
#[capi]
pub unsafe fn PyObject_CallOneArg(callable: Ob, argument: Ob) -> Res<Own> {
    with(callable, &[argument])
}

/// `object.name()`
#[capi]
pub unsafe fn PyObject_CallMethodNoArgs(ob: Ob, name: Ob) -> Res<Own> {
    let found = crate::attr::PyObject_GetAttr(ob, name)?;
    with(found.ob(), &[])
}

/// `object.name(argument)`
#[capi]
pub unsafe fn PyObject_CallMethodOneArg(ob: Ob, name: Ob, argument: Ob) -> Res<Own> {
    let found = crate::attr::PyObject_GetAttr(ob, name)?;
    with(found.ob(), &[argument])
}

/// The flag that says that the place before the arguments is free.
const OFFSET: usize = 1 << 63;

#[contract]
unsafe fn array<'a>(values: *const Ob, count: usize, names: Ob) -> &'a [Ob] {
    let named = if names.is_null() { 0 } else { items_of(names).len() };
    if count + named == 0 { &[] } else { std::slice::from_raw_parts(values, count + named) }
}

/// A call with an array of arguments.
#[capi]
pub unsafe fn PyObject_Vectorcall(callable: Ob, values: *const Ob, count: usize, names: Ob) -> Res<Own> {
    let count = count & !OFFSET;
    call(callable, &Arguments::Vector { values: array(values, count, names), count, names })
}

/// A call with an array of arguments, the named ones in a dict.
#[capi]
pub unsafe fn PyObject_VectorcallDict(callable: Ob, values: *const Ob, count: usize, kwargs: Ob) -> Res<Own> {
    let args = pack(array(values, count & !OFFSET, NULL))?;
    PyObject_Call(callable, args.ob(), kwargs)
}

/// `object.name(...)`: the first argument is the object.
#[capi]
pub unsafe fn PyObject_VectorcallMethod(name: Ob, values: *const Ob, count: usize, names: Ob) -> Res<Own> {
    let all = array(values, count & !OFFSET, names);
    let found = crate::attr::PyObject_GetAttr(all[0], name)?;
    call(found.ob(), &Arguments::Vector { values: &all[1..], count: (count & !OFFSET) - 1, names })
}

/// What a vectorcall slot of a type may be set to: through `tp_call`'s way.
#[capi]
pub unsafe fn PyVectorcall_Call(callable: Ob, args: Ob, kwargs: Ob) -> Res<Own> {
    let ty = type_of(callable);
    let place = callable.cast::<u8>().offset((*ty).tp_vectorcall_offset).cast::<Option<vectorcallfunc>>();
    let Some(function) = place.read() else {
        return err::type_error(&format!("'{}' object does not support vectorcall", crate::types::kind_of(callable)));
    };
    let arguments = Arguments::Tuple { args, kwargs };
    let all = arguments.vector()?;
    owned(function(callable, all.values().as_ptr(), all.count, all.names()))
}

/// Whether keyword arguments are named by strings.
#[capi]
pub unsafe fn PyArg_ValidateKeywordArguments(kwargs: Ob) -> i32 {
    let mut at = 0;
    while let Some((name, _, _)) = dict::next(kwargs, &mut at) {
        if !crate::unicode::is_str(name) {
            let _ = err::type_error::<()>("keywords must be strings");
            return 0;
        }
    }
    1
}
