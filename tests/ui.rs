//! Programs that must not compile: each is a way to lose an object that the types forbid.
//!
//! Beside each program lies what the compiler of `COMPILER` says to it. Other compilers word their messages in other
//! ways; with them the programs are compiled from a copy, and only the error codes are compared. After a change:
//! `TRYBUILD=overwrite cargo test --test ui`, and read the difference.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The compiler whose messages are committed.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn programs_that_lose_an_object_do_not_compile() {
    if compiler_version().starts_with(COMPILER) {
        trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
    } else {
        compare_codes_only(Path::new("tests/ui"));
    }
}

fn compiler_version() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("the compiler runs");
    String::from_utf8(output.stdout).expect("a version is text")
}

/// Lets trybuild write down what this compiler says to a copy of the programs, and compares the codes.
fn compare_codes_only(programs: &Path) {
    let copies = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    fs::create_dir_all(&copies).expect("the copies have a folder");
    let expected: Vec<_> = fs::read_dir(programs)
        .expect("the programs have a folder")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "stderr"))
        .collect();
    assert!(!expected.is_empty(), "no programs found");
    for stderr in &expected {
        let program = stderr.with_extension("rs");
        let copy = copies.join(program.file_name().expect("a file has a name"));
        fs::copy(&program, &copy).expect("a program can be copied");
        let _ = fs::remove_file(copy.with_extension("stderr"));
    }
    // SAFETY: this test is the only one of its process, so no other thread reads the environment meanwhile.
    unsafe { env::set_var("TRYBUILD", "overwrite") };
    {
        let cases = trybuild::TestCases::new();
        cases.compile_fail(copies.join("*.rs"));
    } // runs them; panics if one compiles
    for stderr in &expected {
        let actual = copies.join(stderr.file_name().expect("a file has a name"));
        assert_eq!(codes(&actual), codes(stderr), "the codes of {}", stderr.display());
    }
}

/// The error codes in a compiler's output.
fn codes(stderr: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(stderr).expect("the compiler's answer was written down");
    text.lines()
        .filter_map(|line| line.strip_prefix("error[")?.split_once(']'))
        .map(|(code, _)| code.to_owned())
        .collect()
}
