//! Checked builds (feature `debug`): each program `tests/c/misuse_*.c` breaks one rule, and is stopped with a message that
//! names the function, says what is wrong, and tells the history of the object.
#![cfg(feature = "debug")]

mod common;

use common::{compile, ffi, installed, library};
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

const SIGABRT: i32 = 6;

/// Program, arguments, and what it says on standard error.
const MISUSES: &[(&str, &[&str], &[&str])] = &[
    (
        "use_after_free",
        &[],
        &[
            "handfast: hf_incref: it has been freed (use after free)",
            "64 bytes, freed",
            "allocated by thread 1 in hf_pyobject_new < new_ob (check.h:",
            "last reference dropped by thread 1 in hf_decref < ",
            "freed by thread 1 in hf_pyobject_free < ",
        ],
    ),
    ("decref_after_death", &[], &["handfast: hf_decref: it has been freed (use after free)", "freed by thread 1"]),
    (
        "double_free",
        &[],
        &["handfast: hf_pyobject_free: it has been freed already (double free)", "main (misuse_double_free.c:9)"],
    ),
    ("below_zero", &[], &["handfast: hf_decref: its count was zero already", "count 0, not linked"]),
    ("links_count", &[], &["handfast: hf_decref: more references were dropped than taken", "linked by thread 1"]),
    ("free_linked", &[], &["handfast: hf_pyobject_free: it is linked still", "count 2, linked"]),
    ("free_counted", &[], &["handfast: hf_pyobject_free: C still counts references to it", "count 2, not linked"]),
    ("free_queued", &[], &["handfast: hf_pyobject_free: it is in the dead queue still", "pair found dead, queued"]),
    ("decref_queued", &[], &["handfast: hf_decref: the last reference to a dead object was dropped"]),
    ("write_after_free", &[], &["it was written to after it had been freed, at offset 27", "freed by thread 1"]),
    ("write_after_free_late", &[], &["handfast: hf_heap_free: it was written to after it had been freed, at offset 8"]),
    ("past_the_end", &[], &["handfast: hf_pyobject_free: ", "something was written past its end", "50 bytes"]),
    ("no_object_there", &[], &["handfast: hf_incref: it points into the middle of slab memory"]),
    ("foreign_memory", &[], &["handfast: hf_link_c_owned: its memory is neither this heap's nor adopted"]),
    ("foreign_memory_dies", &[], &["handfast: hf_decref: it belongs to no heap of this process"]),
    ("foreign_detached", &[], &["handfast: hf_decref_detached: it does not belong to this heap"]),
    ("foreign_handle", &[], &["handfast: hf_to_obj: it belongs to another heap", "allocated by thread 1"]),
    ("foreign_object", &[], &["handfast: hf_root: object (0x", "it is no object of this heap"]),
    ("foreign_layout", &[], &["handfast: hf_alloc_layout: layout (0x", "is none of this heap"]),
    ("sized", &[], &["handfast: hf_alloc_sized: size is 1000, the payload of type "]),
    ("stale_object", &[], &["handfast: hf_handle: object (0x", "a stale pointer"]),
    ("stale_object", &["nursery in use"], &["handfast: hf_handle: object (0x", "a stale pointer"]),
    ("inlined_crossing", &[], &["handfast: hf_from_obj: object (0x", "a stale pointer"]),
    ("inlined_crossing", &["of a handle"], &["handfast: hf_to_obj: it has been freed (use after free)"]),
    ("stale_field", &[], &["handfast: hf_store: source (0x", "a stale pointer"]),
    ("dead_object", &[], &["handfast: hf_root: object (0x", "it has died"]),
    ("dead_large_object", &[], &["handfast: hf_items: object (0x", "a large object has died"]),
    ("cells", &["global twice"], &["handfast: hf_global_free: global (0x", "it has been freed"]),
    ("cells", &["weak twice"], &["handfast: hf_weak_free: weak (0x", "it has been freed"]),
    ("cells", &["global get"], &["handfast: hf_global_get: global (0x", "it has been freed"]),
    ("cells", &["global set"], &["handfast: hf_global_set: global (0x", "it has been freed"]),
    ("cells", &["weak get"], &["handfast: hf_weak_get: weak (0x", "it has been freed"]),
    ("cells", &["foreign"], &["handfast: hf_global_get: global (0x", "this heap has given out none with this address"]),
    ("cells", &["weak as global"], &["handfast: hf_global_set: global (0x", "this heap has given out none"]),
    ("freed_heap", &[], &["handfast: hf_heap_free: heap (0x", "no heap is there: it has been freed"]),
    ("freed_heap", &["attach"], &["handfast: hf_attach: heap (0x", "no heap is there: it has been freed"]),
    ("scope_order", &[], &["handfast: hf_scope_close: 1 scopes that were opened inside of it are open still"]),
    ("scope_twice", &[], &["handfast: hf_scope_close: 0x", "is not an open scope"]),
    ("forgotten_roots", &[], &["handfast: hf_detach: forgotten roots: 1 scopes"]),
    ("detached", &[], &["handfast: hf_safepoint: the mutator is not attached by the calling thread"]),
    ("wrong_thread", &[], &["handfast: hf_alloc: the mutator is not attached by the calling thread"]),
    ("native_state", &[], &["handfast: hf_to_obj: the mutator is in native state"]),
];

/// Runs a program that must be stopped, and answers what it said.
fn stopped(name: &str, arguments: &[&str], options: &[&str]) -> String {
    let source = ffi().join(format!("tests/c/misuse_{name}.c"));
    let program = compile(installed(&["gcc", "clang"])[0], options, &source, &library("libhandfast.a"));
    let output = Command::new("timeout").arg("60").arg(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // `timeout` ends as its child does.
    assert_eq!(output.status.signal(), Some(SIGABRT), "{name} {options:?}: {}\n{said}", output.status);
    said
}

#[test]
fn each_misuse_is_stopped_where_it_happens() {
    for (name, arguments, messages) in MISUSES {
        let said = stopped(name, arguments, &["-std=c11"]);
        for message in *messages {
            assert!(said.contains(message), "{name}: no {message:?} in\n{said}");
        }
    }
}

#[test]
fn misuse_is_stopped_without_inlining_too() {
    for name in ["use_after_free", "decref_after_death", "links_count", "decref_queued", "past_the_end"] {
        let said = stopped(name, &[], &["-std=c11", "-DHF_NO_INLINE"]);
        assert!(said.starts_with("handfast: hf_"), "{name}: {said}");
    }
}

#[test]
fn what_leaks_is_told_with_its_first_incref() {
    let source = ffi().join("tests/c/leaks.c");
    let options = ["-std=c11", "-DHF_NO_INLINE"];
    let program = compile(installed(&["gcc", "clang"])[0], &options, &source, &library("libhandfast.a"));
    let output = Command::new("timeout").arg("60").arg(program).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let all = said.lines().filter(|line| line.starts_with("handfast: hf_heap_free: C still holds PyObject 0x"));
    let leaks: Vec<&str> = all.filter(|line| line.contains("ob_type 0x0, ")).collect();
    assert_eq!(leaks.len(), 2, "{said}");
    for leak in leaks {
        assert!(leak.contains("first incref by thread 1 in hf_incref < main (leaks.c:"), "{leak}");
        assert!(leak.contains("allocated by thread 1 in hf_"), "{leak}");
    }
}

#[test]
fn no_misuse_is_forgotten() {
    let found: BTreeSet<String> = std::fs::read_dir(ffi().join("tests/c"))
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            Some(name.strip_prefix("misuse_")?.strip_suffix(".c")?.to_owned())
        })
        .collect();
    let listed: BTreeSet<String> = MISUSES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}
