//! The header itself: it compiles without a warning in every dialect that it is for, and it is what `cbindgen` makes.

mod common;

use common::{WARNINGS, ffi, installed, run, say, scratch};
use std::process::Command;

/// Includes everything twice and uses every inline function.
const USES_ALL: &str = r#"
#include "handfast.h"
#include "handfast_rawrefcount.h"
#include "handfast.h"
#include "handfast_rawrefcount.h"

hf_object *use_all(hf_heap *heap, hf_mutator *m, hf_object *p, hf_pyobject *ob);
hf_object *use_all(hf_heap *heap, hf_mutator *m, hf_object *p, hf_pyobject *ob) {
    hf_config config;
    hf_type_info info;
    hf_stats stats;
    hf_leak_report report;
    hf_config_init(&config);
    hf_type_info_init(&info);
    info.handle_slot = HF_NO_SLOT;
    stats.struct_size = sizeof stats;
    report.struct_size = sizeof report;
    hf_incref(ob);
    hf_decref(ob);
    hf_store(m, p, 8, hf_load(m, p, 0));
    if (rawrefcount_create_link_pypy(m, p, ob) != HF_OK)
        return (hf_load)(m, p, 0);
    if (rawrefcount_create_link_pyobj(m, p, ob, HF_LINK_LIGHT) != HF_OK)
        return rawrefcount_to_obj(m, ob);
    if (rawrefcount_from_obj(m, p) == rawrefcount_next_dead(heap))
        return hf_alloc(m, hf_type_of(p));
    if (hf_abi_check(sizeof(hf_pyobject), HF_ABI) != HF_OK || hf_stats_get(heap, &stats) != HF_OK)
        return hf_alloc_items(m, HF_NO_TYPE, 1);
    if (hf_type_layout(heap, 0) == NULL)
        return hf_alloc_layout(m, hf_type_layout(heap, 1));
    if (hf_type_of(p) == 2)
        return hf_alloc_sized(m, hf_type_layout(heap, 2), sizeof info);
    hf_decref_detached(heap, ob);
    hf_leak_report_free(&report);
    return hf_payload(p) == NULL || hf_heap_free(heap, &report) != HF_OK ? NULL : p;
}
"#;

#[test]
fn every_dialect_compiles_without_a_warning() {
    let dialects: [(&[&'static str], &str, &[&str]); 2] = [
        (&["gcc", "clang"], "c", &["-std=c11", "-std=c17"]),
        (&["g++", "clang++"], "c++", &["-std=c++17", "-std=c++20"]),
    ];
    let source = scratch("header").join("uses_all.c");
    std::fs::write(&source, USES_ALL).unwrap();
    for (compilers, language, standards) in dialects {
        for compiler in installed(compilers) {
            for standard in standards {
                for define in ["-DHF_DEFAULT", "-DHF_NO_INLINE", "-DHF_UNCHECKED", "-DHF_COUNTS_LOCKED"] {
                    run(Command::new(compiler)
                        .args(["-x", language, standard, define, "-O1", "-fsyntax-only"])
                        .args(WARNINGS)
                        .args(["-Wshadow", "-Wconversion", "-Wundef"])
                        .arg("-I")
                        .arg(ffi().join("include"))
                        .arg(&source));
                }
            }
        }
    }
}

#[test]
fn the_committed_header_is_the_generated_one() {
    if Command::new("cbindgen").arg("--version").output().is_err() {
        say("SKIPPED: cbindgen is not installed (cargo install --locked cbindgen --version 0.29.4)");
        return;
    }
    run(Command::new("cbindgen")
        .args(["--quiet", "--verify", "--crate", "handfast-ffi", "--config"])
        .arg(ffi().join("cbindgen.toml"))
        .arg("--output")
        .arg(ffi().join("include/handfast.h"))
        .arg(ffi()));
}

#[test]
fn the_inline_header_refuses_to_be_included_alone() {
    let compiler = installed(&["gcc", "clang"])[0];
    let source = scratch("header").join("alone.c");
    std::fs::write(&source, "#include \"handfast_inline.h\"\n").unwrap();
    let output =
        Command::new(compiler).args(["-fsyntax-only", "-I"]).arg(ffi().join("include")).arg(&source).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("include handfast.h, not handfast_inline.h"));
}
