//! Where things happened: call stacks, taken as bare addresses and named only when a report is written.
//!
//! A program has few places at which it allocates, so equal stacks are kept once, and an event holds a stack's number.

use crate::sync::Mutex;
use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt::Write;

/// Frames of a stack that are kept: those of this library come first, so that a caller needs the room.
const DEPTH: usize = 40;
/// Frames of the program that a report shows.
const SHOWN: usize = 4;

/// The stacks seen. Number 0 is "unknown".
#[derive(Debug, Default)]
pub(super) struct Stacks(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    all: Vec<Box<[usize]>>,
    numbers: HashMap<Box<[usize]>, u32>,
}

impl Stacks {
    /// The number of the caller's stack.
    #[inline(never)]
    pub(super) fn here(&self) -> u32 {
        let mut frames = [0; DEPTH];
        let mut n = 0;
        backtrace::trace(|frame| {
            frames[n] = frame.ip() as usize;
            n += 1;
            n < DEPTH
        });
        let frames = &frames[..n];
        let mut known = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(&number) = known.numbers.get(frames) {
            return number;
        }
        known.all.push(frames.into());
        let number = known.all.len() as u32;
        known.numbers.insert(frames.into(), number);
        number
    }

    /// The stack's innermost frames outside of the library: `f (file:line) < g (file:line)`.
    pub(super) fn text(&self, number: u32) -> String {
        let frames = {
            let known = self.0.lock().unwrap_or_else(|e| e.into_inner());
            (number as usize).checked_sub(1).and_then(|i| known.all.get(i).cloned())
        };
        let Some(frames) = frames else { return "unknown".into() };
        let (mut text, mut shown) = (String::new(), 0);
        for ip in frames {
            // A return address: the call is just before it.
            backtrace::resolve(ip.wrapping_sub(1) as *mut c_void, |symbol| {
                let Some(name) = symbol.name() else { return };
                let name = called(format!("{name:#}"));
                let exported = name.starts_with("hf_");
                let ours = || symbol.filename().is_some_and(|file| is_ours(&file.to_string_lossy()));
                if shown >= SHOWN || is_internal(&name) || !exported && ours() {
                    return;
                }
                let _ = write!(text, "{}{name}", if shown == 0 { "" } else { " < " });
                // Where in the library an exported function goes on is of no interest.
                if !exported
                    && let (Some(file), Some(line)) = (symbol.filename().and_then(|f| f.file_name()), symbol.lineno())
                {
                    let _ = write!(text, " ({}:{line})", file.to_string_lossy());
                }
                shown += 1;
            });
        }
        if text.is_empty() { "inside of handfast".into() } else { text }
    }
}

/// The function that a program calls where one is that its inline twin calls.
fn called(name: String) -> String {
    match &*name {
        "hf_decref_zero" => "hf_decref".into(),
        "hf_store_barrier" => "hf_store".into(),
        _ => name,
    }
}

/// Whether a source file is one of these: where there are line tables only, names have no crate in front.
fn is_ours(file: &str) -> bool {
    let (core, interface) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/src/"), concat!(env!("CARGO_MANIFEST_DIR"), "/ffi/src/"));
    file.starts_with(core)
        || file.starts_with(interface)
        || ["/backtrace-", "/rustc/", "/rustlib/src/"].iter().any(|place| file.contains(place))
}

/// Whether a function is part of this library or of what lies between it and its callers.
fn is_internal(name: &str) -> bool {
    let name = name.trim_start_matches(['<', '&']);
    ["handfast::", "backtrace::", "core::", "std::", "alloc::", "__rust", "_Unwind", "__libc_start", "_start"]
        .iter()
        .any(|own| name.starts_with(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stacks_have_one_number() {
        let stacks = Stacks::default();
        let numbers: Vec<u32> = (0..3).map(|_| stacks.here()).collect();
        assert!(numbers[0] != 0 && numbers.iter().all(|&n| n == numbers[0]), "{numbers:?}");
        assert_ne!(stacks.here(), numbers[0]);
        assert_eq!(stacks.text(0), "unknown");
        assert_eq!(stacks.text(99), "unknown");
    }

    #[test]
    fn files_of_the_library_are_left_out() {
        for file in [concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs"), "/x/registry/backtrace-0.3.75/src/lib.rs"] {
            assert!(is_ours(file), "{file}");
        }
        for file in ["/home/program/src/main.c", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/x.rs"), "main.c"] {
            assert!(!is_ours(file), "{file}");
        }
    }

    #[test]
    fn what_is_the_library_is_left_out() {
        for name in ["handfast::handle::x", "<handfast::A as core::B>::c", "std::panicking::try", "__rust_try"] {
            assert!(is_internal(name), "{name}");
        }
        for name in ["main", "hf_incref", "program::f"] {
            assert!(!is_internal(name), "{name}");
        }
    }
}
