//! Imports point down only, and one module alone names the platform's atomics and threads.
//!
//! Reads every file of `src/`. A path that starts at the crate's root (`crate::…`, or as many `super::` as lead there)
//! names a layer, or something that the root re-exports, which is the top layer's. Comments and strings are skipped.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom.
const LAYERS: [&str; 7] = ["sync", "object", "heap", "mutator", "collector", "handle", "api"];
/// Macros and modules of the root that belong to no layer.
const ROOT: [&str; 1] = ["trace_event"];
/// Names that only the lowest layer may use, whatever follows.
const PLATFORM: [&str; 5] = ["std::sync::atomic", "std::thread", "core::sync::atomic", "loom::", "shuttle::"];
/// What may be taken from `std::sync` elsewhere: it stands for no protocol of ours.
const STD_SYNC: [&str; 2] = ["OnceLock", "Weak"];

/// The text without comments and string contents; lines stay where they are.
fn code(text: &str) -> String {
    let (mut out, mut chars) = (String::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|&c| c != '\n').is_some() {},
            '"' => {
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => {
                            chars.next();
                        }
                        '"' => break,
                        '\n' => out.push('\n'),
                        _ => {}
                    }
                }
            }
            // A quoted character, as opposed to a lifetime.
            '\'' => {
                let rest: Vec<char> = chars.clone().take(3).collect();
                let length = match rest[..] {
                    ['\\', _, '\''] => 3,
                    [_, '\'', ..] => 2,
                    _ => 0,
                };
                chars.by_ref().take(length).for_each(drop);
            }
            c => out.push(c),
        }
    }
    out
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The first names after a `::`: one, or those of a group in braces.
fn heads(after: &str) -> Vec<String> {
    let name = |text: &str| text.trim_start().chars().take_while(|&c| is_name(c)).collect::<String>();
    let Some(group) = after.trim_start().strip_prefix('{') else { return vec![name(after)] };
    let (mut names, mut depth, mut start) = (vec![], 0, 0);
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(name(&group[start..i]));
                start = i + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|n| !n.is_empty());
    names
}

/// The layer that a name of the root stands for.
fn layer_of(name: &str) -> Option<usize> {
    match LAYERS.iter().position(|l| *l == name) {
        None if ROOT.contains(&name) => None,
        None => Some(LAYERS.len() - 1),
        found => found,
    }
}

/// What is wrong with one file, given its path below `src/`.
fn violations(path: &str, text: &str) -> Vec<String> {
    let modules: Vec<&str> = path.trim_end_matches(".rs").split('/').filter(|m| *m != "mod").collect();
    let Some(own) = LAYERS.iter().position(|l| *l == modules[0]) else {
        return vec![format!("{path}: belongs to no layer")];
    };
    let code = code(text);
    let mut found = vec![];
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    let mut look = |at: usize, names: Vec<String>| {
        for name in names {
            if layer_of(&name).is_some_and(|layer| layer > own) {
                found.push(format!("{path}:{}: {} uses {name}, which is above it", line(at), LAYERS[own]));
            }
        }
    };
    let starts_word = |at: usize| !code[..at].ends_with(|c| is_name(c) || c == ':' || c == '$');
    for (at, _) in code.match_indices("crate::").filter(|(at, _)| starts_word(*at)) {
        look(at, heads(&code[at + "crate::".len()..]));
    }
    for (at, _) in code.match_indices("super::").filter(|(at, _)| starts_word(*at)) {
        let mut rest = &code[at..];
        let mut up = 0;
        while let Some(next) = rest.strip_prefix("super::") {
            (rest, up) = (next, up + 1);
        }
        if up == modules.len() {
            look(at, heads(rest));
        }
    }
    if own > 0 {
        for name in PLATFORM {
            for (at, _) in code.match_indices(name).filter(|(at, _)| starts_word(*at)) {
                found.push(format!("{path}:{}: names {name}", line(at)));
            }
        }
        for (at, start) in code.match_indices("std::sync::").filter(|(at, _)| starts_word(*at)) {
            for name in heads(&code[at + start.len()..]) {
                if !STD_SYNC.contains(&name.as_str()) {
                    found.push(format!("{path}:{}: names std::sync::{name}", line(at)));
                }
            }
        }
        for (at, start) in code.match_indices("std::{").filter(|(at, _)| starts_word(*at)) {
            for name in heads(&code[at + start.len() - 1..]) {
                if name == "sync" || name == "thread" {
                    found.push(format!("{path}:{}: names std::{name}", line(at)));
                }
            }
        }
    }
    found
}

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn no_import_points_up() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = vec![];
    files(&src, &mut all);
    let mut found = vec![];
    let mut checked = 0;
    for file in all {
        let path = file.strip_prefix(&src).unwrap().to_str().unwrap();
        if path != "lib.rs" {
            found.extend(violations(path, &fs::read_to_string(&file).unwrap()));
            checked += 1;
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(checked > 50, "only {checked} files were found");
}

#[test]
fn every_way_to_point_up_is_found() {
    let bad = |path: &str, text: &str| violations(path, text).len();
    assert_eq!(bad("heap/a.rs", "use crate::mutator::Record;"), 1);
    assert_eq!(bad("heap/a.rs", "use crate::{sync::Mutex, mutator::{Record, x}, api};"), 2);
    assert_eq!(bad("heap/mod.rs", "fn f() { crate::collector::run() }"), 1);
    assert_eq!(bad("object/slot.rs", "use super::super::heap::Memory;"), 1);
    assert_eq!(bad("mutator/a.rs", "use crate::Error;"), 1, "the root re-exports the top layer");
    assert_eq!(bad("handle/a.rs", "use std::sync::atomic::AtomicBool;\nuse std::thread;"), 3);
    assert_eq!(bad("handle/a.rs", "use std::sync::{Mutex, Weak};"), 1);
    assert_eq!(bad("handle/a.rs", "use std::{fmt, sync::Arc};"), 1);
    assert_eq!(bad("api/a.rs", "loom::model(|| {});"), 1);
    assert_eq!(bad("utils/a.rs", ""), 1);
    assert!(violations("heap/a.rs", "\n\nuse crate::api;")[0].starts_with("heap/a.rs:3:"));
}

#[test]
fn what_points_down_or_is_no_code_is_allowed() {
    let bad = |path: &str, text: &str| violations(path, text).len();
    assert_eq!(bad("mutator/a.rs", "use crate::{sync::Arc, heap::{Memory, api}, object};"), 0);
    assert_eq!(
        bad("mutator/a.rs", "// crate::api\n//! crate::api\n/// loom::x\nlet s = \"crate::api \\\" loom::\";"),
        0
    );
    assert_eq!(bad("mutator/a.rs", "let q = '\"'; let l: &'static str; crate::trace_event!(1);"), 0);
    assert_eq!(bad("object/slot.rs", "use super::{Object, api};"), 0, "a sibling of that name");
    assert_eq!(bad("sync/mod.rs", "pub use std::sync::atomic; pub use loom::thread;"), 0);
    assert_eq!(bad("handle/a.rs", "use std::sync::{OnceLock, Weak}; thread_local! {}"), 0);
    assert_eq!(bad("api/a.rs", "use crate::Error;"), 0);
}
