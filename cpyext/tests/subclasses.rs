//! Instances of types that are made at run time: those that C makes (`subclasses.c`), and those that begin on the heap.

mod common;

use handfast_cpyext::caller::Caller;
use handfast_cpyext::{Own, Runtime, eval, load, turn};

fn call(module: &Own, name: &str, args: &[&Own]) -> Own {
    let function = eval::attribute(module, name).unwrap();
    eval::call(&function, args).unwrap_or_else(|raised| panic!("{name}: {raised}"))
}

/// A weak reference to an instance of the heap answers it while it lives, whether it has a `PyObject` or not; then None, and
/// its callback is called, once.
fn of_the_heap(class: &Own, module: &Own, runtime: &Runtime) {
    let caller = Caller::new(class, 100).unwrap();
    let weak: Vec<Own> = (0..100).map(|at| call(module, "watch", &[&caller.held(at)])).collect();
    let last = caller.held(99);
    runtime.collect();
    for (at, weak) in weak.iter().enumerate() {
        let one = call(module, "target", &[weak]);
        assert_eq!(eval::str_of(&eval::attribute(&one, "v").unwrap()), at.to_string());
    }
    assert_eq!(eval::number(&call(module, "calls", &[])), 0.0);
    drop(caller);
    runtime.collect();
    // C holds the last one; the other callbacks were called.
    assert_eq!(eval::number(&call(module, "calls", &[])), 99.0);
    assert_eq!(eval::str_of(&call(module, "target", &[&weak[0]])), "None");
    assert_eq!(eval::str_of(&eval::attribute(&call(module, "target", &[&weak[99]]), "v").unwrap()), "99");
    drop(last);
    runtime.collect();
    turn();
    assert_eq!(eval::number(&call(module, "calls", &[])), 1.0);
    // One that is dropped before its object calls nobody.
    let caller = Caller::new(class, 1).unwrap();
    drop(call(module, "watch", &[&caller.held(0)]));
    drop((weak, caller));
    runtime.collect();
    assert_eq!(eval::number(&call(module, "calls", &[])), 0.0);
}

/// One runtime per process, so one test.
#[test]
fn instances_have_a_dict_and_weak_references_where_cpython_has_them() {
    let entered = Runtime::start(&handfast::Config::default()).unwrap();
    let runtime = Runtime::get().unwrap();
    let library = common::compile("cc", "subclasses.c").expect("a C compiler");
    // SAFETY: it is an extension.
    let module = unsafe { load(&library, "subclasses") }.unwrap();
    for _ in 0..2 {
        call(&module, "dicts", &[]);
        call(&module, "weak", &[]);
        runtime.collect();
    }
    // Types stay; nothing else does.
    let class = eval::class("Thing").unwrap();
    of_the_heap(&class, &module, runtime);
    runtime.collect();
    let left = || (runtime.heap().stats().links, runtime.heap().stats().c_only);
    let before = left();
    of_the_heap(&class, &module, runtime);
    runtime.collect();
    assert_eq!(left(), before, "links, or objects that C alone has, are left");
    drop(entered);
}
