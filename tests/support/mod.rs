//! For tests with several mutators: a thread that fails while it is attached would leave the others waiting for its
//! answer, so a failure must end the process at once.

#![allow(dead_code, reason = "each test uses a part")]

use std::io::Write;
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
