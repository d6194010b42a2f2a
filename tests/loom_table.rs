//! `loom-tests/README.md` has a row for each claim of the loom tests, each claim has a weakened twin, and what the rows name
//! exists. A test that must not panic is a claim, one that must is a twin.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("loom-tests")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Claims and twins of a test file.
fn tests(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut claims, mut twins) = (vec![], vec![]);
    let (mut test, mut panics) = (false, false);
    for line in text.lines() {
        test |= line == "#[test]";
        panics |= line.starts_with("#[should_panic");
        if let Some(rest) = line.strip_prefix("fn ").filter(|_| test) {
            let name = rest.split('(').next().unwrap_or_default().to_owned();
            if panics { &mut twins } else { &mut claims }.push(name);
            (test, panics) = (false, false);
        }
    }
    (claims, twins)
}

/// The rows below the heading of each test file: claim and twins.
fn rows(readme: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut file = None;
    for line in readme.lines() {
        if let Some(rest) = line.strip_prefix("### `tests/") {
            file = rest.split_once('`').map(|(name, _)| name.to_owned());
        } else if let (Some(file), Some(rest)) = (&file, line.strip_prefix("| `")) {
            let (claim, rest) = rest.split_once('`').expect("a name in backquotes");
            let cells: Vec<_> = rest.trim_end_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 6, "{file}: the row of {claim} has claim, threads, bound, executions, time, twins");
            assert!(cells[3].replace(',', "").parse::<u64>().is_ok_and(|n| n > 2), "{claim}: {} executions", cells[3]);
            found.entry(file.clone()).or_default().push((claim.to_owned(), cells[5].to_owned()));
        }
    }
    found
}

#[test]
fn each_claim_has_a_row_and_a_twin() {
    let rows = rows(&read(&folder().join("README.md")));
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder().join("tests")).expect("the tests") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let (claims, twins) = tests(&read(&path));
        assert!(!claims.is_empty() && !twins.is_empty(), "{file}: {claims:?}, {twins:?}");
        assert!(twins.iter().all(|name| name.starts_with("twin_")), "{file}: {twins:?}");
        assert!(claims.iter().all(|name| !name.starts_with("twin_")), "{file}: a twin that need not fail");
        let table = rows.get(&file).unwrap_or_else(|| panic!("{file} has no table in loom-tests/README.md"));
        let listed: BTreeSet<_> = table.iter().map(|(claim, _)| claim.clone()).collect();
        assert_eq!(listed, claims.into_iter().collect(), "{file}: rows and claims");
        let mut named = BTreeSet::new();
        for (claim, cell) in table {
            let names: Vec<_> = cell.split('`').skip(1).step_by(2).map(|name| format!("twin_{name}")).collect();
            assert!(!names.is_empty() || ["the same", "both"].contains(&&**cell), "{file}: {claim} has no twin");
            named.extend(names);
        }
        assert_eq!(named, twins.into_iter().collect(), "{file}: twins that are named, twins that are there");
        files.insert(file);
    }
    assert_eq!(rows.into_keys().collect::<BTreeSet<_>>(), files, "tables and files");
    assert!(files.len() > 20, "{files:?}");
}

#[test]
fn claims_and_twins_are_told_apart() {
    let (claims, twins) =
        tests("#[test]\nfn a() {\n#[test]\n#[should_panic(expected = \"x\")]\nfn twin_b() {\nfn help() {");
    assert_eq!((claims, twins), (vec!["a".to_owned()], vec!["twin_b".to_owned()]));
}
