//! The table of `model/README.md` is complete and true: it has a row for each rule of the model, in order, and the files,
//! functions and tests that it names exist.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text of all Rust files under a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &read(&path);
        }
    }
    text
}

/// Names and descriptions of the model's rules, in the order of their fault numbers.
fn rules(protocol: &str) -> Vec<(String, String)> {
    protocol
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(Rule::")?.strip_suffix("\"),"))
        .filter_map(|line| line.split_once(", \""))
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

/// What stands in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// What is wrong with the code that a cell names.
fn missing_code(cell: &str) -> Vec<String> {
    quoted(cell)
        .filter(|name| {
            let Some((file, function)) = name.split_once("::") else { return true };
            let text = fs::read_to_string(root().join(file)).unwrap_or_default();
            !text.contains(&format!("fn {function}(")) && !text.contains(&format!("fn {function}<"))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_rule_of_the_model_has_its_code_and_its_checks() {
    let rules = rules(&read(&root().join("model/protocol.rs")));
    assert!(rules.len() >= 37, "only {} rules were found", rules.len());
    let tests: String =
        ["src", "tests", "loom-tests/tests", "ffi/tests"].map(|folder| sources(&root().join(folder))).concat();
    let words: std::collections::BTreeSet<&str> =
        tests.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    let readme = read(&root().join("model/README.md"));
    let rows: Vec<Vec<&str>> = readme
        .lines()
        .filter(|line| line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit()))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), rules.len(), "rows of the table, rules of the model");
    for (k, (row, (name, text))) in rows.iter().zip(&rules).enumerate() {
        let [number, rule, without, code, checks] = row[..] else { panic!("{row:?} has not five columns") };
        assert_eq!((number, rule), (&*(k + 1).to_string(), &*format!("`{name}`")), "the order is that of the faults");
        assert_eq!(without, text, "{name}");
        assert_eq!(missing_code(code), [""; 0], "{name}");
        assert!(quoted(code).count() > 0 && quoted(checks).count() > 0, "{name} names nothing");
        for test in quoted(checks).filter(|name| !name.starts_with("--")) {
            assert!(words.contains(test), "{name}: there is no test {test}");
        }
    }
}

#[test]
fn what_does_not_exist_is_found() {
    assert_eq!(
        missing_code("`src/lib.rs::no_such_function`, `src/no_such_file.rs::new`"),
        ["src/lib.rs::no_such_function", "src/no_such_file.rs::new"]
    );
    assert_eq!(missing_code("`src/mutator/gate.rs::disturb`"), [""; 0]);
    assert_eq!(rules("    (Rule::One, \"no one\"),\n    (Rule::Two, \"no two\"),\n").len(), 2);
}
