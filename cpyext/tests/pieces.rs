//! Functions of the API that no rung calls (`pieces.c`).

mod common;

use handfast_cpyext::caller::Caller;
use handfast_cpyext::{Own, Runtime, eval, load};

fn call(module: &Own, name: &str, args: &[&Own]) {
    let function = eval::attribute(module, name).unwrap();
    eval::call(&function, args).unwrap_or_else(|raised| panic!("{name}: {raised}"));
}

/// One runtime per process, so one test.
#[test]
fn functions_that_no_rung_calls_do_what_they_should() {
    let entered = Runtime::start(&handfast::Config::default()).unwrap();
    let runtime = Runtime::get().unwrap();
    let library = common::compile("cc", "pieces.c").expect("a C compiler");
    // SAFETY: it is an extension.
    let module = unsafe { load(&library, "pieces") }.unwrap();
    let class = eval::class("Thing").unwrap();
    let run = || {
        call(&module, "buffers", &[]);
        call(&module, "others", &[]);
        call(&module, "copies", &[]);
        // An instance that begins on the heap, and one that C makes.
        let caller = Caller::new(&class, 1).unwrap();
        call(&module, "attributes", &[&caller.held(0)]);
        let made = eval::call(&class, &[]).unwrap();
        eval::set_attribute(&made, "v", Some(&eval::int(5))).unwrap();
        call(&module, "attributes", &[&made]);
    };
    call(&module, "methods_of_types", &[]);
    run();
    runtime.collect();
    let left = || (runtime.heap().stats().links, runtime.heap().stats().c_only);
    let before = left();
    run();
    runtime.collect();
    assert_eq!(left(), before, "links, or objects that C alone has, are left");
    drop(entered);
}
