//! The soak, two seconds of it, and what it says of arguments that it cannot use. `ci/soak.sh` runs a longer one.

mod support;

use std::process::{Command, Output};

fn soak(arguments: &[&str]) -> Output {
    static PATH: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
    Command::new(PATH.get_or_init(|| support::example("soak"))).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn threads_find_what_they_have_stored() {
    let output = soak(&["--threads", "2", "--every", "1", "2"]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    assert!(err.is_empty(), "{err}");
    assert_eq!(out.lines().last(), Some("ok"), "{out}");
    for name in ["operations", "collections", "longest pause", "resident", "out of memory", "heaps", "finalizers"] {
        assert!(out.lines().any(|line| line.starts_with(name)), "no {name} in\n{out}");
    }
}

#[test]
fn what_it_cannot_use_is_refused() {
    for (arguments, message) in [
        (&["abc"][..], "SECONDS is a number from 1 to 1000000, not \"abc\""),
        (&["0"], "SECONDS is a number from 1 to 1000000, not \"0\""),
        (&[], "SECONDS is missing; --help says more"),
        (&["2", "3"], "SECONDS was given already: what is \"3\"?"),
        (&["--threads", "0", "2"], "--threads is a number from 1 to 64, not \"0\""),
        (&["2", "--seed"], "--seed needs a number"),
        (&["--fast", "2"], "unknown option --fast; --help lists them"),
    ] {
        let output = soak(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stderr), format!("soak: {message}\n"));
        assert!(output.stdout.is_empty());
    }
    let help = soak(&["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("SECONDS"));
}
