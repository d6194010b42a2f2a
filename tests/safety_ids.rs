//! SAFETY.md and the code agree: every reason of an unsafe block has a number that is explained there, every number
//! explained there is used, and every test that it names exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Sources whose unsafe blocks SAFETY.md answers for, by layer.
const LAYERS: [&str; 11] = [
    "src/sync",
    "src/object",
    "src/heap",
    "src/mutator",
    "src/collector",
    "src/handle",
    "src/api",
    "ffi/src",
    "derive/src",
    "cpyext/src",
    "cpyext/macros/src",
];

/// Folders in which a test that SAFETY.md names may be.
const TESTS: [&str; 8] =
    ["src", "tests", "loom-tests/tests", "ffi/src", "ffi/tests", "derive/src", "cpyext/src", "cpyext/tests"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files under a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A reason's number (`H1`, `Y10`), an invariant (`INV-1`) or an ordering (`O-ask`).
fn is_id(text: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let Some(first) = text.chars().next() else { return false };
    if let Some(number) = text.strip_prefix("INV-") {
        return digits(number);
    }
    first.is_ascii_uppercase()
        && match text[1..].strip_prefix('-') {
            Some(word) => !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()),
            None => digits(&text[1..]),
        }
}

/// The numbers in brackets in a text.
fn bracketed(text: &str) -> BTreeSet<String> {
    text.split('[')
        .skip(1)
        .filter_map(|rest| rest.split_once(']'))
        .map(|(id, _)| id)
        .filter(|id| is_id(id))
        .map(str::to_owned)
        .collect()
}

/// The lines before the tests of a file.
fn without_tests(text: &str) -> Vec<&str> {
    let lines: Vec<_> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].starts_with("#[cfg(")
            && pair[0].contains("test")
            && pair[1].starts_with("mod ")
            && pair[1].ends_with('{')
    });
    lines[..tests.unwrap_or(lines.len())].to_vec()
}

/// What is wrong with the reasons in one file, and how many unsafe blocks it has.
fn audit(text: &str) -> (Vec<(usize, &'static str)>, usize) {
    let lines = without_tests(text);
    let (mut wrong, mut blocks) = (vec![], 0);
    // The last reason above, and whether a line of code that ends a statement came since.
    let mut reason = None;
    for (i, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or("").trim();
        if let Some(text) = line.trim().strip_prefix("// SAFETY:") {
            reason = Some(i);
            let numbered = text.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'));
            if !numbered.is_some_and(|(id, _)| is_id(id)) {
                wrong.push((i + 1, "a reason without a number"));
            }
        }
        let opens = code.matches("unsafe {").count() + usize::from(code.contains("unsafe impl"));
        if opens != 0 {
            blocks += opens;
            if reason.is_none() {
                wrong.push((i + 1, "an unsafe block without a reason"));
            }
        }
        if !code.is_empty() && (code.ends_with([';', '}', ',']) || (opens != 0 && code.ends_with('{'))) {
            reason = None;
        }
    }
    (wrong, blocks)
}

/// What an entry of SAFETY.md says beside its statement.
const PARTS: [&str; 4] = ["*Why:*", "*Established by*", "*Relied on by*", "*Checked by*"];

/// Numbers and texts of the entries that are list items.
fn entries(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = vec![];
    let mut inside = false;
    for line in text.lines() {
        if let Some((id, rest)) = line.strip_prefix("- **[").and_then(|rest| rest.split_once("]**")) {
            found.push((id.to_owned(), rest.trim().to_owned()));
            inside = true;
        } else if inside && line.starts_with("  ") {
            let (_, text) = found.last_mut().expect("inside of an entry");
            *text += " ";
            *text += line.trim();
        } else {
            inside = false;
        }
    }
    found
}

/// Whether `path::function` names a function of a file of this repository, or of the package `ffi`.
fn is_function(name: &str) -> bool {
    let Some((file, function)) = name.split_once("::") else { return false };
    let text =
        ["", "ffi"].map(|folder| fs::read_to_string(root().join(folder).join(file)).unwrap_or_default()).concat();
    text.contains(&format!("fn {function}(")) || text.contains(&format!("fn {function}<"))
}

#[test]
fn every_entry_says_why_and_what_rests_on_it_and_what_checks_it() {
    let entries = entries(&read(&root().join("SAFETY.md")));
    assert!(entries.len() > 50, "only {} entries were found", entries.len());
    for (id, text) in entries {
        let places: Vec<_> = PARTS.iter().map(|part| text.find(part)).collect();
        assert!(places.iter().all(Option::is_some), "[{id}] lacks one of {PARTS:?}: {text}");
        assert!(places.is_sorted(), "[{id}]: the order is {PARTS:?}");
    }
}

/// The number of an ordering (`O-ask`), as opposed to a reason's.
fn is_ordering(id: &str) -> bool {
    is_id(id) && id.as_bytes()[1] == b'-'
}

#[test]
fn who_orders_memory_says_by_which_pair() {
    let strong = ["Acquire", "Release", "AcqRel", "SeqCst"];
    let mut found = 0;
    for layer in LAYERS {
        for path in sources(&root().join(layer)) {
            // `sync` names orderings, it uses none; the verifier only looks, at what others have ordered.
            if is_test(&path) || layer == "src/sync" || path.to_string_lossy().contains("collector/verify") {
                continue;
            }
            let text = read(&path);
            let code = |line: &&str| !line.trim_start().starts_with("//") && !line.contains("Ordering::{");
            let lines = without_tests(&text);
            let orders = lines.iter().filter(|l| code(l)).any(|l| {
                let code = l.split("//").next().unwrap_or("");
                code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| strong.contains(&word))
            });
            if orders {
                found += 1;
                let comments: String = text.lines().filter(|l| l.contains("//")).collect();
                let named = bracketed(&comments).iter().any(|id| is_ordering(id));
                assert!(named, "{}: orderings, and no pair of SAFETY.md is named", path.display());
            }
        }
    }
    assert!(found > 15, "only {found} files that order memory were found");
}

/// Whether a file holds unit tests only.
fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

#[test]
fn the_table_of_unsafe_blocks_is_right() {
    let mut table = String::from("| layer | unsafe blocks |\n|---|---|\n");
    let mut total = 0;
    for layer in LAYERS {
        let files = sources(&root().join(layer)).into_iter().filter(|path| !is_test(path));
        let blocks: usize = files.map(|path| audit(&read(&path)).1).sum();
        total += blocks;
        table += &format!("| `{layer}` | {blocks} |\n");
    }
    table += &format!("| all | {total} |\n");
    let text = read(&root().join("SAFETY.md"));
    assert!(text.contains(&table), "SAFETY.md counts unsafe blocks otherwise; these are they:\n{table}");
}

#[test]
fn every_unsafe_block_has_a_numbered_reason() {
    let mut complaints = vec![];
    for layer in LAYERS {
        let (mut blocks, mut bad) = (0, 0);
        for path in sources(&root().join(layer)) {
            if path.ends_with("tests.rs") || path.components().any(|folder| folder.as_os_str() == "tests") {
                continue;
            }
            let (wrong, found) = audit(&read(&path));
            blocks += found;
            bad += wrong.len();
            complaints.extend(wrong.into_iter().map(|(line, what)| format!("{}:{line}: {what}", path.display())));
        }
        println!("{layer}: {blocks} unsafe blocks, {bad} without a numbered reason");
    }
    assert!(complaints.is_empty(), "see SAFETY.md:\n{}", complaints.join("\n"));
}

#[test]
fn numbers_are_explained_and_explained_numbers_are_used() {
    let mut used: BTreeMap<String, PathBuf> = BTreeMap::new();
    for layer in LAYERS {
        for path in sources(&root().join(layer)) {
            let text = read(&path);
            for line in text.lines().filter(|line| line.contains("//")) {
                used.extend(bracketed(line).into_iter().map(|id| (id, path.clone())));
                // In running text the invariants stand without brackets.
                let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
                used.extend(words.filter(|w| w.starts_with("INV-") && is_id(w)).map(|w| (w.to_owned(), path.clone())));
            }
        }
    }
    let text = read(&root().join("SAFETY.md"));
    // An entry begins a list item or a row of a table.
    let explained: BTreeSet<String> = text
        .lines()
        .filter(|line| line.starts_with("- **[") || line.starts_with("| ["))
        .filter_map(|line| line.split_once('[')?.1.split_once(']'))
        .map(|(id, _)| id.to_owned())
        .collect();
    let unexplained: Vec<_> = used.iter().filter(|(id, _)| !explained.contains(*id)).collect();
    assert!(unexplained.is_empty(), "not explained in SAFETY.md: {unexplained:?}");
    let unused: Vec<_> = explained.iter().filter(|id| !used.contains_key(*id)).collect();
    assert!(unused.is_empty(), "explained in SAFETY.md, used nowhere: {unused:?}");
    assert!(explained.len() > 50, "only {} entries were found", explained.len());
}

#[test]
fn what_the_document_names_exists() {
    let everything: String =
        TESTS.iter().flat_map(|folder| sources(&root().join(folder))).map(|path| read(&path)).collect();
    let known: BTreeSet<&str> = everything.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    let text = read(&root().join("SAFETY.md"));
    let mut tests = 0;
    for name in text.split('`').skip(1).step_by(2) {
        let word = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if word && name.matches('_').count() >= 2 {
            tests += 1;
            assert!(known.contains(name), "SAFETY.md names {name}, which is not to be found");
        }
        let folder = name.split_once('/').map_or("", |(folder, _)| folder);
        if ["src", "tests", "ffi", "derive", "loom-tests", "model", "ci"].contains(&folder) && !name.contains(' ') {
            let file = root().join(name).exists() || root().join("ffi").join(name).exists();
            let found = if name.contains("::") { is_function(name) } else { file };
            assert!(found, "SAFETY.md names {name}, which is not to be found");
        }
    }
    assert!(tests > 50, "only {tests} names of tests were found");
}

#[test]
fn the_audit_finds_what_it_is_for() {
    let (wrong, blocks) = audit("// SAFETY: [H1] fine.\nlet x = unsafe { f() };\nlet y = unsafe { g() };\n");
    assert_eq!((wrong, blocks), (vec![(3, "an unsafe block without a reason")], 2));
    let (wrong, _) = audit("// SAFETY: because.\nunsafe { f() };\n");
    assert_eq!(wrong, [(1, "a reason without a number")]);
    let (wrong, _) = audit("// SAFETY: [H1] one reason\n// of two lines.\nlet x =\n    unsafe { f() };\n");
    assert_eq!(wrong, []);
    let (wrong, blocks) = audit("#[cfg(test)]\nmod tests {\n    unsafe { f() };\n}\n");
    assert_eq!((wrong, blocks), (vec![], 0));
    assert!(is_function("src/mutator/gate.rs::disturb") && !is_function("src/mutator/gate.rs::no_such_function"));
    assert!(is_ordering("O-ask") && !is_ordering("H1"));
    let (one, two) = ("- **[H1]** A statement.\n  *Why:* so.\n", "text\n- **[H2]** Another.\n\nend\n");
    let found = entries(&[one, two].concat());
    assert_eq!(found[0], ("H1".to_owned(), "A statement. *Why:* so.".to_owned()));
    assert_eq!(found[1], ("H2".to_owned(), "Another.".to_owned()));
    assert!(["H1", "Y10", "INV-4", "O-ask"].iter().all(|id| is_id(id)));
    assert!(["", "h1", "H", "H-", "INV-", "Self", "O-Ask", "1H"].iter().all(|id| !is_id(id)));
}
