//! Every C program under `examples/` and `tests/c/` is compiled with gcc and clang without a warning, linked against the
//! static library, run, and says what it should. A program checks itself and exits with 0 only if all was right.

mod common;

use common::{compile, compile_and_run, ffi, installed, library, run};
use std::collections::BTreeSet;
use std::process::Command;

/// Runs one of `tests/c`: with each compiler, and once through the exported functions alone.
fn test_program(name: &str) {
    let source = ffi().join("tests/c").join(name);
    for compiler in installed(&["gcc", "clang"]) {
        assert_eq!(compile_and_run(compiler, &["-std=c11"], &source), "ok\n", "{name} with {compiler}");
    }
    let compiler = installed(&["gcc", "clang"])[0];
    assert_eq!(compile_and_run(compiler, &["-std=c17", "-DHF_NO_INLINE"], &source), "ok\n", "{name} without inlining");
}

/// Runs one of `examples`: it prints these lines, in any order, and no others.
fn example(name: &str, lines: &[&str]) {
    let source = ffi().join("examples").join(name);
    for compiler in installed(&["gcc", "clang"]) {
        let output = compile_and_run(compiler, &["-std=c11"], &source);
        for line in lines {
            assert!(output.lines().any(|printed| printed == *line), "{name} with {compiler}: no {line:?} in\n{output}");
        }
        assert_eq!(output.lines().count(), lines.len(), "{name} with {compiler} says more:\n{output}");
    }
}

macro_rules! test_programs {
    ($($test:ident: $name:literal,)*) => {
        const PROGRAMS: &[&str] = &[$($name),*];
        $(#[test] fn $test() { test_program($name); })*
    };
}

test_programs! {
    rule_1_a_link_adds_its_own_count_and_nothing_else: "rule1_link.c",
    rule_2_a_young_light_pair_dies_at_the_first_minor: "rule2_young_light.c",
    rule_3_a_count_keeps_a_pair: "rule3_held_by_c.c",
    rule_4_every_holder_keeps_a_pair: "rule4_holders.c",
    rule_5_every_kind_of_object_and_very_many: "rule5_kinds.c",
    rule_6_dealloc_runs_on_the_decref_that_reaches_zero: "rule6_c_only.c",
    rule_7_a_pair_that_c_made_is_a_pair: "rule7_c_owned.c",
    rule_8_counts_and_immortals: "rule8_counts.c",
    rule_9_threads: "rule9_threads.c",
    null_zero_and_huge_arguments_do_no_harm: "null.c",
    out_of_memory_leaves_the_heap_usable: "oom.c",
    what_c_holds_is_reported_when_a_heap_is_freed: "leaks.c",
    immortals_are_told_apart_when_a_heap_is_freed: "leaks_immortal.c",
    handles_without_a_link_are_counted: "c_only.c",
    a_thread_that_ends_is_detached: "thread_exit.c",
    a_detached_thread_drops_references: "detached.c",
    scopes_close_what_they_opened: "scopes.c",
    versions_and_struct_sizes: "abi.c",
    callbacks_call_back: "callbacks.c",
    a_child_of_fork_is_told: "fork.c",
    no_room_for_roots_is_told: "few_addresses.c",
    a_program_close_to_misuse_is_correct: "clean.c",
    a_corrupt_heap_is_named: "verify.c",
    misuse_of_counts_is_reported_and_harmless: "reports.c",
    objects_pins_publication_walk: "objects.c",
    a_batch_allocates_what_single_calls_do: "batch.c",
    new_objects_are_zero_however_made: "zeroed.c",
    a_heap_may_touch_its_memory_when_it_is_made: "touch_memory.c",
    the_names_of_rawrefcount: "rawrefcount.c",
    memory_of_the_embedders_own: "adopted.c",
    callbacks_try_everything_also_at_the_end: "callbacks_at_the_end.c",
    threads_cross_each_others_links_in_two_heaps: "two_heaps.c",
    two_threads_cross_each_others_private_links: "cross_each_other.c",
    four_threads_and_handles_of_every_kind: "stress_handles.c",
    story_dealloc_at_the_very_decref: "story_dealloc.c",
    story_counted_while_queued: "story_queued.c",
    story_borrowed_references_from_containers: "story_borrowed.c",
    story_a_c_type_subclassed_on_the_gc_side: "story_subclass.c",
    story_proxies_of_c_structs: "story_proxy.c",
    story_a_chain_from_gc_to_c_to_gc: "story_chain.c",
    story_callbacks_from_c_that_collect: "story_callbacks.c",
    story_c_releases_the_runtime: "story_native.c",
    story_call_arguments_die_young: "story_arguments.c",
    counts_under_a_lock_of_the_programs_own: "locked_counts.c",
    an_object_linked_to_anothers_memory_is_public: "linked_elsewhere.c",
}

#[test]
fn a_cpp_program_runs() {
    let source = ffi().join("tests/c/cxx.cpp");
    for compiler in installed(&["g++", "clang++"]) {
        for standard in ["-std=c++17", "-std=c++20"] {
            assert_eq!(compile_and_run(compiler, &[standard], &source), "ok\n");
        }
    }
}

#[test]
fn programs_run_with_the_shared_library() {
    let library = library("libhandfast.so");
    for name in ["abi.c", "rule4_holders.c", "objects.c", "null.c"] {
        let source = ffi().join("tests/c").join(name);
        for arguments in [["-std=c11", "-DDEFAULT"], ["-std=c11", "-DHF_NO_INLINE"]] {
            let program = compile(installed(&["gcc", "clang"])[0], &arguments, &source, &library);
            let output = run(Command::new(program).env("LD_LIBRARY_PATH", library.parent().unwrap()));
            assert_eq!(output.stdout, b"ok\n", "{name}");
        }
    }
}

#[test]
fn a_correct_program_needs_no_inline_checks() {
    let compiler = installed(&["gcc", "clang"])[0];
    for name in ["rule4_holders.c", "rule9_threads.c", "objects.c"] {
        let source = ffi().join("tests/c").join(name);
        assert_eq!(compile_and_run(compiler, &["-std=c11", "-DHF_UNCHECKED"], &source), "ok\n", "{name}");
    }
}

/// A program of one thread needs no lock.
#[test]
fn plain_counts_mean_the_same() {
    let compiler = installed(&["gcc", "clang"])[0];
    for name in ["rule3_held_by_c.c", "rule6_c_only.c", "rule8_counts.c", "reports.c", "story_queued.c"] {
        let source = ffi().join("tests/c").join(name);
        assert_eq!(compile_and_run(compiler, &["-std=c11", "-DHF_COUNTS_LOCKED"], &source), "ok\n", "{name}");
    }
}

#[test]
fn example_hello() {
    let version = concat!("handfast ", env!("CARGO_PKG_VERSION"));
    example(
        "hello.c",
        &[
            version,
            "after a minor collection x is 42",
            "through its handle x is 42, and C holds 1 reference",
            "C still holds 0 objects",
        ],
    );
}

#[test]
fn example_list() {
    example("list.c", &["built: 200000 nodes", "reversed and collected: 200000 nodes", "collected after use: yes"]);
}

#[test]
fn example_threads() {
    example("threads.c", &["4 threads, sum 800040000"]);
}

#[test]
fn example_extension() {
    example(
        "extension.c",
        &[
            "dead: hand",
            "dead: fast",
            "dead: quick",
            "kept: handfast, in the runtime handfast",
            "dead: handfast",
            "deallocs: 4",
        ],
    );
}

#[test]
fn no_program_is_forgotten() {
    let found: BTreeSet<String> = std::fs::read_dir(ffi().join("tests/c"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // The others are those of misuse.rs.
        .filter(|name| name.ends_with(".c") && !name.starts_with("misuse_"))
        .collect();
    let listed: BTreeSet<String> = PROGRAMS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}
