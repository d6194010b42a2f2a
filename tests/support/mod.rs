//! For tests with several mutators: a thread that fails while it is attached would leave the others waiting for its
//! answer, so a failure must end the process at once. For tests that run an example: where it is. For tests of who waits
//! for memory: how often.

#![allow(dead_code, reason = "each test uses a part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// From now on a panic, in any thread, prints its message and ends the process; and so does a test that hangs.
pub fn fail_fast() {
    std::panic::set_hook(Box::new(|info| {
        // Not a print macro: those are captured, and the process ends before anybody shows them.
        let _ = writeln!(std::io::stderr(), "\n{info}\n{}", std::backtrace::Backtrace::force_capture());
        std::process::abort();
    }));
    static WATCHDOG: std::sync::Once = std::sync::Once::new();
    WATCHDOG.call_once(|| {
        let limit = seconds("HANDFAST_TEST_LIMIT", 600);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(limit));
            let _ = writeln!(std::io::stderr(), "\nstill running after {limit} seconds");
            std::process::abort();
        });
    });
}

/// A number of seconds from the environment.
pub fn seconds(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(default)
}

/// Pages that this thread has waited for.
pub fn faults() -> usize {
    // SAFETY: a struct of numbers, and memory of ours.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
        usage.ru_minflt as usize
    }
}

/// An example, built as this test was: in the same target directory and profile.
pub fn example(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("tmp is in the target directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--offline", "--example", name, "--message-format", "json-render-diagnostics"]);
    if cfg!(feature = "debug") {
        // The C interface comes with it: the same as for the other tests, which would find another library otherwise.
        cargo.args(["-p", "handfast", "-p", "handfast-ffi", "--features", "handfast-ffi/debug"]);
    } else {
        // With the features of all packages, as `cargo test --workspace` has built the C interface for others to link with.
        cargo.arg("--workspace");
    }
    cargo.args(["--profile", if cfg!(debug_assertions) { "test" } else { "release" }]);
    let output = cargo.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let path =
        messages.lines().filter_map(|line| line.split_once("\"executable\":\"")?.1.split('"').next()).next_back();
    PathBuf::from(path.expect("cargo names the program"))
}
