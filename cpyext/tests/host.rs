//! The program says what is wrong with what it is given: each error names the file, the symbol, the module.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_handfast-cpyext")).args(args).output().unwrap()
}

/// It fails, says all of these on standard error, and does not panic.
fn fails(args: &[&str], words: &[&str]) {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{args:?} does not say {word:?}: {said}");
    }
    assert!(!said.contains("panicked"), "{args:?}: {said}");
}

fn library(name: &str, source: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (file, library) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
    std::fs::write(&file, source).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-I"])
        .arg(root.join("include"))
        .arg("-I")
        .arg(root.join("../ffi/include"))
        .arg(&file)
        .arg("-o")
        .arg(&library)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

#[test]
fn a_missing_file_is_named() {
    fails(&["markupsafe", "/no/such/page.html"], &["/no/such/page.html", "No such file"]);
    fails(&["load", "/no/such/file.so", "file"], &["/no/such/file.so", "no such file"]);
    fails(&["rows", "/no/such/file.so"], &["/no/such/file.so"]);
}

#[test]
fn a_page_that_is_no_text_is_named() {
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bytes.html");
    std::fs::write(&page, [b'<', 0xff, 0xfe]).unwrap();
    fails(&["markupsafe", page.to_str().unwrap()], &["bytes.html", "not UTF-8"]);
}

#[test]
fn what_is_no_library_is_named() {
    let text = Path::new(env!("CARGO_TARGET_TMPDIR")).join("text.so");
    std::fs::write(&text, "no library").unwrap();
    fails(&["load", text.to_str().unwrap(), "text"], &["text.so", "not a loadable library"]);
}

#[test]
fn a_library_that_is_no_extension_is_named() {
    let plain = library("plain", "int answer(void) { return 42; }\n");
    fails(&["load", plain.to_str().unwrap(), "plain"], &["plain.so", "not an extension module", "PyInit_plain"]);
}

#[test]
fn an_absent_symbol_is_named() {
    let source = "#include <Python.h>\nextern PyObject *PyNothing_LikeThis(void);\n\
                  PyMODINIT_FUNC PyInit_absent(void) { return PyNothing_LikeThis(); }\n";
    let absent = library("absent", source);
    fails(&["load", absent.to_str().unwrap(), "absent"], &["absent.so", "PyNothing_LikeThis"]);
}

#[test]
fn an_extension_that_raises_is_named_with_its_words() {
    let source = "#include <Python.h>\nPyMODINIT_FUNC PyInit_raises(void) {\n\
                  PyErr_SetString(PyExc_ValueError, \"not today\"); return NULL; }\n";
    let raises = library("raises", source);
    fails(&["load", raises.to_str().unwrap(), "raises"], &["importing raises", "ValueError", "not today"]);
    let silent = library("silent", "#include <Python.h>\nPyMODINIT_FUNC PyInit_silent(void) { return NULL; }\n");
    fails(&["load", silent.to_str().unwrap(), "silent"], &["importing silent", "SystemError"]);
}

#[test]
fn an_unknown_rung_is_named() {
    fails(&["replay", "nosuch"], &["nosuch"]);
    fails(&["replay", "crcmod", "none"], &["none is no number of threads"]);
}

#[test]
fn a_command_that_is_none_gets_the_usage() {
    let output = run(&["frobnicate"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: handfast-cpyext"));
}
