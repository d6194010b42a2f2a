//! What crossings cost: one extension, compiled unmodified for CPython, PyPy and handfast, driven in turns.
//!
//! Each round runs every runtime once, in a process of its own; the table has the medians of the rounds. A runtime that
//! is not installed is said to be skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rounds, unless the command line says otherwise.
pub const ROUNDS: usize = 5;

/// What a row is not to cost more than, in times of CPython's.
const CPYTHON_GOAL: f64 = 1.5;

/// The rows, in the order of the table, and what they are.
const ROWS: [(&str, &str); 24] = [
    ("call_nothing", "call without arguments"),
    ("call_same", "call with an object, the same each time"),
    ("call_each", "call with each of 300,000 objects"),
    ("call_fresh", "make an instance with one attribute, call with it, drop it"),
    ("call_ints", "make an int, call with it, drop it"),
    ("call_back", "C calls a function"),
    ("counts", "`Py_INCREF`, `Py_DECREF`"),
    ("churn_nodes", "make and drop: an extension's object with a reference"),
    ("churn_leaves", "an extension's object without"),
    ("churn_ints", "an int"),
    ("churn_floats", "a float"),
    ("churn_strings", "a str"),
    ("churn_tuples", "a tuple of two"),
    ("churn_lists", "a list of two"),
    ("churn_dicts", "a dict"),
    ("list_of_nodes", "a list of 300,000 objects with a reference, each"),
    ("list_of_leaves", "a list of 300,000 objects without, each"),
    ("items_first", "item of a list, the first time"),
    ("items_again", "item of a list, again"),
    ("attribute_one", "attribute of one object"),
    ("attribute_each", "attribute of each of 300,000"),
    ("dict_get", "look-up in a dict"),
    ("hold", "hold an item of a list"),
    ("release", "release it"),
];

/// A runtime, and the extension for it.
struct Peer {
    name: &'static str,
    command: PathBuf,
    arguments: Vec<PathBuf>,
    rounds: Vec<BTreeMap<String, f64>>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What an interpreter says that it is asked with `-c`.
fn ask(python: &str, question: &str) -> Option<String> {
    let output = Command::new(python).args(["-c", question]).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !answer.is_empty()).then_some(answer)
}

fn compile(includes: &[PathBuf], library: &Path) -> Result<(), String> {
    let folder = library.parent().expect("a file in a folder");
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut command = Command::new("cc");
    command.args(["-std=gnu11", "-O2", "-shared", "-fPIC"]);
    for include in includes {
        command.arg("-I").arg(include);
    }
    command.arg(root().join("cpyext/bench/crossings.c")).arg("-o").arg(library);
    let output = command.output().map_err(|error| format!("cc: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The first of these interpreters that is of this kind and has headers.
fn python(name: &'static str, candidates: &[String], folder: &Path) -> Result<Peer, String> {
    let question = "import os, sys, sysconfig
folder = sysconfig.get_path('include')
if os.path.exists(os.path.join(folder, 'Python.h')):
    print(sys.implementation.name, '.'.join(map(str, sys.version_info[:2])))
    print(folder)
    print(sysconfig.get_config_var('EXT_SUFFIX'))";
    for candidate in candidates {
        let Some(answer) = ask(candidate, question) else { continue };
        let [kind, include, suffix] = answer.lines().collect::<Vec<_>>()[..] else { continue };
        if (name == "CPython") != (kind == "cpython 3.11") {
            continue;
        }
        let folder = folder.join(name);
        compile(&[include.into()], &folder.join(format!("crossings{suffix}")))?;
        let arguments = vec![root().join("cpyext/bench/crossings.py"), folder];
        return Ok(Peer { name, command: candidate.into(), arguments, rounds: vec![] });
    }
    Err(format!("none of {} with headers is here", candidates.join(", ")))
}

fn handfast(folder: &Path) -> Result<Peer, String> {
    let library = folder.join("handfast/crossings.so");
    compile(&[root().join("cpyext/include"), root().join("ffi/include")], &library)?;
    let command = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(Peer { name: "handfast", command, arguments: vec!["rows".into(), library], rounds: vec![] })
}

impl Peer {
    fn round(&mut self) -> Result<(), String> {
        let output = Command::new(&self.command)
            .args(&self.arguments)
            .output()
            .map_err(|error| format!("{}: {error}", self.command.display()))?;
        if !output.status.success() {
            return Err(format!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr)));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let rows = text.lines().filter_map(|line| line.split_once(' '));
        let rows = rows.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        self.rounds.push(rows.collect());
        Ok(())
    }

    fn median(&self, row: &str) -> Option<f64> {
        let mut all: Vec<f64> = self.rounds.iter().filter_map(|round| round.get(row).copied()).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    }
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"))
}

/// A ratio, with a mark when it is above the goal.
fn ratio(ours: Option<f64>, theirs: Option<f64>, goal: f64) -> String {
    let Some((ours, theirs)) = ours.zip(theirs) else { return "-".to_owned() };
    let ratio = ours / theirs;
    format!("{ratio:.2}{}", if ratio > goal { " !" } else { "" })
}

/// Runs the rounds and prints the table.
pub fn run(rounds: usize) -> Result<(), String> {
    let folder = root().join("target/cpyext/bench");
    let cpythons = ["/usr/bin/python3.11", "python3.11", "python3"].map(str::to_owned);
    let cpythons: Vec<String> = std::env::var("PYTHON311").into_iter().chain(cpythons).collect();
    let mut peers = vec![handfast(&folder)?];
    for (name, candidates) in [("CPython", cpythons), ("PyPy", vec!["pypy3".to_owned()])] {
        match python(name, &candidates, &folder) {
            Ok(peer) => peers.push(peer),
            Err(why) => println!("SKIPPED: {name}: {why}"),
        }
    }
    for _ in 0..rounds {
        peers.iter_mut().try_for_each(Peer::round)?;
    }
    let of = |peer: &str, row: &str| peers.iter().find(|p| p.name == peer).and_then(|p| p.median(row));
    println!(
        "Nanoseconds of CPU time, medians of {rounds} rounds; ! is more than {CPYTHON_GOAL} times CPython's, or PyPy's.\n"
    );
    println!("| | handfast | CPython | PyPy | to CPython | to PyPy |");
    println!("|---|---|---|---|---|---|");
    for (row, text) in ROWS {
        let (ours, cpython, pypy) = (of("handfast", row), of("CPython", row), of("PyPy", row));
        let (by_cpython, by_pypy) = (ratio(ours, cpython, CPYTHON_GOAL), ratio(ours, pypy, 1.0));
        println!("| {text} | {} | {} | {} | {by_cpython} | {by_pypy} |", cell(ours), cell(cpython), cell(pypy));
    }
    Ok(())
}
