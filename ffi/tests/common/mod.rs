//! Compilers, the library, and programs: what the tests of the C interface share.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Warnings that a program must not cause.
pub const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// The directory of this package.
pub fn ffi() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Says something that the test harness does not capture: what was skipped must be seen.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Those of these tools that are installed; the others are named.
pub fn installed(tools: &[&'static str]) -> Vec<&'static str> {
    let (there, missing): (Vec<_>, Vec<_>) =
        tools.iter().copied().partition(|tool| Command::new(tool).arg("--version").output().is_ok());
    for tool in &missing {
        say(&format!("SKIPPED: {tool} is not installed"));
    }
    assert!(!there.is_empty(), "none of {tools:?} is installed");
    there
}

/// Runs a command and stops the test with all it said when it fails.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A library that cargo has built beside this test, in whose package it is.
pub fn library(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let deps = test.parent().unwrap();
    for directory in [deps, deps.parent().unwrap()] {
        let library = directory.join(name);
        if library.exists() {
            return library;
        }
    }
    panic!("no {name} in {} or above", deps.display());
}

/// Where a test's programs go.
pub fn scratch(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// Compiles a program and links it against a library; answers where it is.
pub fn compile(compiler: &str, arguments: &[&str], source: &Path, library: &Path) -> PathBuf {
    let stem = source.file_stem().unwrap().to_str().unwrap();
    let kind = library.extension().unwrap().to_str().unwrap();
    let options: String = arguments.concat().chars().filter(char::is_ascii_alphanumeric).collect();
    let program = scratch("c").join(format!("{stem}-{compiler}-{kind}-{options}"));
    run(Command::new(compiler)
        .args(arguments)
        .args(WARNINGS)
        .args(["-g", "-O2", "-D_POSIX_C_SOURCE=200809L"])
        .args(cfg!(feature = "debug").then_some("-DCHECKED_BUILD"))
        .arg("-I")
        .arg(ffi().join("include"))
        .arg(source)
        .arg(library)
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(&program));
    program
}

/// Compiles a program, runs it, and answers what it printed. One that hangs is a failure, not a hanging test.
pub fn compile_and_run(compiler: &str, arguments: &[&str], source: &Path) -> String {
    let program = compile(compiler, arguments, source, &library("libhandfast.a"));
    let output = run(Command::new("timeout").arg("300").arg(&program));
    String::from_utf8(output.stdout).unwrap()
}
