//! Compiles an extension of our own with each compiler that is installed, loads it, and runs what it checks.

mod common;

use common::compile;
use handfast_cpyext::{LoadError, Runtime, eval, load};
use std::path::Path;

const FUNCTIONS: [&str; 12] = [
    "deaths",
    "cycles",
    "tuples",
    "weak_references",
    "values",
    "characters",
    "arguments",
    "types",
    "own_memory",
    "threads",
    "subtypes",
    "pieces",
];

/// One runtime per process, so one test.
#[test]
fn an_extension_of_our_own_finds_everything_as_it_should_be() {
    let entered = Runtime::start(&handfast::Config::default()).unwrap();
    let runtime = Runtime::get().unwrap();
    let mut compilers = 0;
    for compiler in ["gcc", "clang"] {
        let Some(library) = compile(compiler, "extension.c") else { continue };
        compilers += 1;
        // SAFETY: it is an extension.
        let module = unsafe { load(&library, "extension") }.unwrap();
        let run = |name: &str| {
            let function = eval::attribute(&module, name).unwrap();
            if let Err(raised) = eval::call(&function, &[]) {
                panic!("{compiler}: {name}: {raised}");
            }
        };
        FUNCTIONS.into_iter().for_each(run);
        runtime.collect();
        let left = || (runtime.heap().stats().links, runtime.heap().stats().c_only);
        let before = left();
        // A subtype that is made at run time stays; nothing else does.
        FUNCTIONS.into_iter().filter(|name| !name.contains("types")).for_each(run);
        runtime.collect();
        assert_eq!(left(), before, "{compiler}: links, or objects that C alone has, are left");

        // SAFETY: as above.
        let error = unsafe { load(&library, "other") }.unwrap_err();
        assert!(matches!(&error, LoadError::NoInit { function, .. } if function == "PyInit_other"), "{error}");
    }
    assert!(compilers > 0, "neither gcc nor clang is installed");

    // SAFETY: neither is a library at all.
    let error = unsafe { load(Path::new("/no/such/file.so"), "file") }.unwrap_err();
    assert!(matches!(error, LoadError::NoFile(_)), "{error}");
    // SAFETY: as above.
    let error = unsafe { load(Path::new(file!()), "file") };
    assert!(matches!(error, Err(LoadError::NoFile(_) | LoadError::NoLibrary { .. })));
    drop(entered);
}
