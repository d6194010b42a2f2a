//! Programs for what a recording cannot say: subclasses made at run time, functions that are called back and use the
//! module meanwhile, exceptions that pass through C, exported buffers.
//!
//! Like a replay, a program uses the C-API alone, so that it runs on CPython first. It answers with what went wrong.

use crate::api::{self, METH_VARARGS, Ob, PyMethodDef};
use crate::operation::{apply, call};
use crate::owned::{Owned, Raised, kind, none, raise, text};
use crate::tables::{Tables, tuple};
use crate::value::Value;
use std::cell::RefCell;
use std::ptr::null_mut;
use std::rc::Rc;

/// What a program found.
pub type Finding = Result<(), String>;
type Program = fn(&Owned) -> Finding;

const PROGRAMS: [(&str, &str, Program); 7] = [
    ("lru._lru", "a callback that uses the cache that calls it", lru_callback_reenters),
    ("lru._lru", "a subclass has attributes, and works as its base", lru_subclass),
    ("kiwisolver._cext", "a subclass takes part in expressions", kiwi_subclass),
    ("kiwisolver._cext", "a context is kept and given back", kiwi_context),
    ("_bisect", "a key function is called for each item that is looked at", bisect_key),
    ("xxlimited", "a buffer is counted while it is exported", xxlimited_buffer),
    ("xxlimited", "a subclass of str", xxlimited_str),
];

/// Runs the programs for a module that is loaded, and names each.
pub fn run(name: &str, module: &Owned) -> Vec<(&'static str, Finding)> {
    let mine = PROGRAMS.iter().filter(|(of, ..)| *of == name);
    let findings = mine.map(|(_, title, program)| (*title, program(module))).collect();
    // What they hold is of this interpreter, which may end before the thread does.
    drop(BODIES.take());
    findings
}

// --- a small language ---------------------------------------------------------------------------------------------

fn told(raised: Raised) -> String {
    format!("{}: {}", raised.kind, raised.message)
}

fn make(value: Value) -> Result<Owned, String> {
    Tables::default().make(&value).map_err(told)
}

fn int(value: i64) -> Result<Owned, String> {
    make(Value::Int(value))
}

fn str(value: &str) -> Result<Owned, String> {
    make(Value::Str(value.into()))
}

fn call_with(callable: &Owned, args: &[Owned]) -> Result<Owned, Raised> {
    call(callable, &tuple(args)?, None)
}

fn method(object: &Owned, name: &str, args: &[Owned]) -> Result<Owned, String> {
    object.attribute(name).and_then(|method| call_with(&method, args)).map_err(told)
}

fn operate(op: &str, args: &[&Owned]) -> Result<Owned, String> {
    let args: Vec<_> = args.iter().map(|arg| (*arg).clone()).collect();
    apply(op, &args).ok_or_else(|| format!("no operation {op}"))?.map_err(told)
}

fn get(module: &Owned, name: &str) -> Result<Owned, String> {
    module.attribute(name).map_err(told)
}

/// Whether an object has a value.
fn has(object: &Owned, value: Value) -> Finding {
    Tables::default().same(&value, object)
}

fn check(holds: bool, what: &str) -> Finding {
    if holds { Ok(()) } else { Err(what.into()) }
}

/// `class name(base)` with an empty body.
fn subclass(name: &str, base: &Owned) -> Result<Owned, String> {
    // SAFETY: [P2]
    let class = unsafe { Owned::from_borrowed(kind::class()) }.map_err(told)?;
    let args = [str(name)?, tuple(std::slice::from_ref(base)).map_err(told)?, make(Value::Dict(vec![]))?];
    call_with(&class, &args).map_err(told)
}

/// What a function made by [`function`] does: takes a tuple.
type Body = Rc<dyn Fn(&Owned) -> Result<Owned, Raised>>;

thread_local! {
    static BODIES: RefCell<Vec<Body>> = const { RefCell::new(vec![]) };
}

/// A builtin function that runs a closure, until [`run`] is over.
fn function(body: impl Fn(&Owned) -> Result<Owned, Raised> + 'static) -> Result<Owned, String> {
    let number = BODIES.with_borrow_mut(|bodies| {
        bodies.push(Rc::new(body));
        bodies.len() - 1
    });
    let this = int(number as i64)?;
    let definition = Box::leak(Box::new(PyMethodDef {
        name: c"closure".as_ptr(),
        function: Some(called),
        flags: METH_VARARGS,
        doc: std::ptr::null(),
    }));
    // SAFETY: [P1] the definition is never freed; no module.
    unsafe { Owned::new(api::PyCFunction_NewEx(definition, this.as_ptr(), null_mut())) }.map_err(told)
}

unsafe extern "C" fn called(this: Ob, args: Ob) -> Ob {
    // SAFETY: [P1] the number that `function` gave it.
    let number = unsafe { api::PyLong_AsLongLong(this) };
    let body = BODIES.with_borrow(|bodies| bodies.get(number as usize).cloned());
    let body = body.ok_or_else(|| refusal("called after its program"));
    // SAFETY: [P1] borrowed from the caller.
    let answer = unsafe { Owned::from_borrowed(args) }.and_then(|args| body?(&args));
    match answer {
        Ok(answer) => answer.into_ptr(),
        Err(raised) => {
            // SAFETY: [P2] set before any extension runs.
            let kind = unsafe { Owned::from_borrowed(api::PyExc_ValueError) }.expect("a type");
            raise(&kind, &text(&raised.message));
            null_mut()
        }
    }
}

fn refusal(message: &str) -> Raised {
    Raised { kind: "ValueError".into(), message: message.into(), args: None }
}

fn as_raised(what: String) -> Raised {
    refusal(&what)
}

// --- the programs ---------------------------------------------------------------------------------------------------

/// The cache evicts; the callback looks at the cache and puts what was evicted into another one.
fn lru_callback_reenters(module: &Owned) -> Finding {
    let class = get(module, "LRU")?;
    let cache = call_with(&class, &[int(2)?]).map_err(told)?;
    let evicted = call_with(&class, &[int(10)?]).map_err(told)?;
    let (inner, other) = (cache.clone(), evicted.clone());
    let callback = function(move |args| {
        let size = operate("len", &[&inner]).map_err(as_raised)?;
        // What is evicted is still in the cache's dict.
        has(&size, Value::Int(3)).map_err(as_raised)?;
        let zero = int(0).map_err(as_raised)?;
        let one = int(1).map_err(as_raised)?;
        let key = operate("getitem", &[args, &zero]).map_err(as_raised)?;
        let value = operate("getitem", &[args, &one]).map_err(as_raised)?;
        operate("setitem", &[&other, &key, &value]).map_err(as_raised)
    })?;
    method(&cache, "set_callback", std::slice::from_ref(&callback))?;
    for i in 0..5 {
        operate("setitem", &[&cache, &int(i)?, &str(&format!("value {i}"))?])?;
    }
    let expected = [2, 1, 0].map(|i| Value::Tuple(vec![Value::Int(i), Value::Str(format!("value {i}"))]));
    has(&method(&evicted, "items", &[])?, Value::List(expected.to_vec()))?;
    // The closure holds the cache, and the cache the callback.
    method(&cache, "set_callback", &[none()]).map(drop)
}

fn lru_subclass(module: &Owned) -> Finding {
    let class = subclass("Cache", &get(module, "LRU")?)?;
    let cache = call_with(&class, &[int(1)?]).map_err(told)?;
    check(cache.kind().as_ptr() == class.as_ptr(), "an instance of another class")?;
    cache.set_attribute("name", Some(&str("mine")?)).map_err(told)?;
    operate("setitem", &[&cache, &str("a")?, &int(1)?])?;
    operate("setitem", &[&cache, &str("b")?, &int(2)?])?;
    has(&operate("len", &[&cache])?, Value::Int(1))?;
    has(&operate("getitem", &[&cache, &str("b")?])?, Value::Int(2))?;
    has(&get(&cache, "name")?, Value::Str("mine".into()))?;
    check(call_with(&class, &[int(0)?]).is_err_and(|raised| raised.kind == "ValueError"), "a size of 0 is taken")
}

fn kiwi_subclass(module: &Owned) -> Finding {
    let class = subclass("Named", &get(module, "Variable")?)?;
    let variable = call_with(&class, &[str("width")?]).map_err(told)?;
    variable.set_attribute("unit", Some(&str("px")?)).map_err(told)?;
    let sum = operate("add", &[&variable, &int(1)?])?;
    let terms = method(&sum, "terms", &[])?;
    let term = operate("getitem", &[&terms, &int(0)?])?;
    let found = method(&term, "variable", &[])?;
    check(found.as_ptr() == variable.as_ptr(), "the term has another variable")?;
    has(&get(&found, "unit")?, Value::Str("px".into()))
}

fn kiwi_context(module: &Owned) -> Finding {
    let class = get(module, "Variable")?;
    let variable = call_with(&class, &[str("x")?]).map_err(told)?;
    let context = make(Value::List(vec![Value::Int(1)]))?;
    let address = context.as_ptr();
    method(&variable, "setContext", &[context])?;
    // The variable alone holds it now.
    let found = method(&variable, "context", &[])?;
    check(found.as_ptr() == address, "another context")?;
    has(&found, Value::List(vec![Value::Int(1)]))?;
    method(&variable, "setContext", &[none()])?;
    has(&method(&variable, "context", &[])?, Value::None)
}

fn bisect_key(module: &Owned) -> Finding {
    let negative = function(|args| {
        let zero = int(0).map_err(as_raised)?;
        let item = operate("getitem", &[args, &zero]).map_err(as_raised)?;
        operate("neg", &[&item]).map_err(as_raised)
    })?;
    let row = make(Value::List((0..100).rev().map(Value::Int).collect()))?;
    let arguments = tuple(&[row, int(-30)?]).map_err(told)?;
    let keywords = make(Value::Dict(vec![]))?;
    operate("setitem", &[&keywords, &str("key")?, &negative])?;
    let found = call(&get(module, "bisect_left")?, &arguments, Some(&keywords)).map_err(told)?;
    has(&found, Value::Int(69))?;
    let refuse = function(|_| Err(refusal("not this one")))?;
    operate("setitem", &[&keywords, &str("key")?, &refuse])?;
    match call(&get(module, "bisect_left")?, &arguments, Some(&keywords)) {
        Err(raised) => check(raised.message == "not this one", &raised.message),
        Ok(_) => Err("the key function's exception is lost".into()),
    }
}

fn xxlimited_buffer(module: &Owned) -> Finding {
    let object = call_with(&get(module, "Xxo")?, &[]).map_err(told)?;
    let view = || {
        // SAFETY: [P1]
        unsafe { Owned::new(api::PyMemoryView_FromObject(object.as_ptr())) }.map_err(told)
    };
    has(&get(&object, "x_exports")?, Value::Int(0))?;
    let first = view()?;
    let second = view()?;
    has(&get(&object, "x_exports")?, Value::Int(2))?;
    operate("setitem", &[&first, &int(0)?, &int(7)?])?;
    has(&operate("getitem", &[&second, &int(0)?])?, Value::Int(7))?;
    drop(first);
    drop(second);
    has(&get(&object, "x_exports")?, Value::Int(0))
}

fn xxlimited_str(module: &Owned) -> Finding {
    let text = call_with(&get(module, "Str")?, &[str("abcd")?]).map_err(told)?;
    has(&operate("eq", &[&text, &str("abcd")?])?, Value::Bool(true))?;
    has(&operate("len", &[&text])?, Value::Int(4))?;
    has(&operate("str", &[&text])?, Value::Str("abcd".into()))?;
    has(&method(&text, "upper", &[])?, Value::Str("ABCD".into()))
}
