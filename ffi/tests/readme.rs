//! The C program in README.md compiles without a warning and prints what README.md says.

mod common;

use common::{compile_and_run, ffi, installed, scratch};

#[test]
fn the_c_program_of_the_readme_runs() {
    let readme = std::fs::read_to_string(ffi().join("../README.md")).unwrap();
    let (_, rest) = readme.split_once("```c\n").expect("README.md has a C program");
    let (program, rest) = rest.split_once("```\n").expect("which ends");
    let (_, promised) = rest.split_once("./a.out").expect("and which is run");
    let promised = promised.lines().next().unwrap().trim().trim_start_matches("# ");
    let source = scratch("readme").join("readme.c");
    std::fs::write(&source, program).unwrap();
    for compiler in installed(&["gcc", "clang"]) {
        assert_eq!(compile_and_run(compiler, &["-std=c11"], &source).trim_end(), promised, "with {compiler}");
    }
}
