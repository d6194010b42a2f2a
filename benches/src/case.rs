//! A case: one system on one workload, as a command that a round runs once.

use crate::expected::{Expectations, Expected};
use crate::options::Options;
use crate::own::{self, Role};
use crate::peers;
use crate::settings;
use crate::workload::{Scale, WORKLOADS, Workload};
use std::path::PathBuf;

/// A command, and what it is.
pub struct Case {
    /// The workload, or the part before the colon of a row's name.
    pub workload: String,
    /// The system, or the row's name.
    pub system: String,
    pub role: Role,
    /// The system of the same workload that it is divided by: the limit, or a row's base. May be empty.
    pub base: String,
    /// Whether it is a row.
    pub row: bool,
    /// The value of what a curve varies.
    pub x: Option<f64>,
    pub threads: u32,
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// What it must have done.
    pub expected: Expected,
    /// MiB that it will touch or so.
    pub memory: usize,
}

/// What is to be run, what cannot be and why, and which reports are asked for.
pub struct Selection {
    pub cases: Vec<Case>,
    pub missing: Vec<String>,
    pub reports: Vec<&'static str>,
}

/// Programs that print a comparison of their own.
pub const REPORTS: [&str; 2] = ["footprint", "links"];

fn asked_for(workload: &Workload, words: &[String]) -> bool {
    let named = |word: &String| {
        let word = word.trim_end_matches(':');
        word == "all"
            || word.eq_ignore_ascii_case(workload.id)
            || word.eq_ignore_ascii_case(workload.group)
            // `w3` is all of W3.
            || (workload.id.starts_with('w') && word.len() == 2 && workload.id[..2].eq_ignore_ascii_case(word))
    };
    if words.is_empty() { workload.x.is_none() } else { words.iter().any(named) }
}

/// Whether a word asks for a row: by a part of its name, or with `$` at the end by all of it. What names workloads names
/// no row.
fn names_row(word: &str, row: &str) -> bool {
    if ["all", "rows"].contains(&word) {
        return true;
    }
    let of_workloads = WORKLOADS.iter().any(|workload| asked_for(workload, &[word.to_owned()]));
    !of_workloads && word.strip_suffix('$').map_or(row.contains(word), |name| row == name)
}

/// What the options select.
///
/// # Errors
/// A word that selects nothing.
pub fn select(options: &Options) -> Result<Selection, String> {
    let words = &options.workloads;
    let program = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let environment: Vec<_> = options.config.iter().map(|text| (settings::VARIABLE.to_owned(), text.clone())).collect();
    let found = peers::find(options);
    let (all, mut cases, mut expectations) = (own::all(), vec![], Expectations::default());
    for workload in WORKLOADS.iter().filter(|workload| asked_for(workload, words)) {
        let (name, xs) = workload.x.unwrap_or(("", &[0.0]));
        for &x in xs {
            let scale = Scale { quick: options.quick, x };
            let x = (!name.is_empty()).then_some(x);
            for own in all.iter().filter(|own| own.workload == workload.id) {
                let size = if options.quick { "quick" } else { "full" };
                let words = ["--child", "own", own.workload, own.system, size];
                cases.push(Case {
                    workload: workload.id.to_owned(),
                    system: own.system.to_owned(),
                    role: own.role,
                    base: own.limit.to_owned(),
                    row: false,
                    x,
                    threads: workload.threads,
                    program: program.clone(),
                    arguments: words.map(str::to_owned).into_iter().chain([scale.x.to_string()]).collect(),
                    environment: environment.clone(),
                    expected: expectations.of(workload.id, workload.threads_at(scale).into(), scale, 1),
                    memory: workload.memory(scale),
                });
            }
            cases.extend(found.cases(workload, scale, x, &mut expectations));
        }
    }
    for row in own::rows() {
        if words.is_empty() || words.iter().any(|word| names_row(word, row.name)) {
            cases.push(Case {
                workload: row.name.split(':').next().unwrap_or_default().to_owned(),
                system: row.name.to_owned(),
                role: Role::Handfast,
                base: row.base.to_owned(),
                row: true,
                x: None,
                threads: 1,
                program: program.clone(),
                arguments: ["--child", "row", row.name].map(str::to_owned).to_vec(),
                environment: environment.clone(),
                expected: Expected::default(),
                memory: 0,
            });
        }
    }
    let report = |name: &&str| match words.len() {
        0 => *name == "footprint",
        _ => words.iter().any(|word| word == "all" || word.trim_end_matches(':') == *name),
    };
    let reports: Vec<_> = REPORTS.into_iter().filter(|name| report(name)).collect();
    for word in words {
        let workload = WORKLOADS.iter().any(|workload| asked_for(workload, std::slice::from_ref(word)));
        let row = own::rows().iter().any(|row| names_row(word, row.name));
        if !workload && !row && !REPORTS.contains(&word.trim_end_matches(':')) {
            return Err(format!("no workload or row is called {word:?}: see --list"));
        }
    }
    Ok(Selection { cases, missing: found.missing, reports })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::run::Run;

    /// A case that never runs.
    pub fn case(workload: &str, system: &str, role: Role) -> Case {
        Case {
            workload: workload.into(),
            system: system.into(),
            role,
            base: String::new(),
            row: false,
            x: None,
            threads: 1,
            program: "true".into(),
            arguments: vec![],
            environment: vec![],
            expected: Expected::default(),
            memory: 0,
        }
    }

    /// A run of a case with this figure, and as many CPU nanoseconds an operation.
    pub fn run(case: usize, figure: f64) -> Run {
        let numbers = [("figure", figure), ("cpu", figure * 1e-9), ("ops", 1.0)];
        Run {
            case,
            round: 1,
            numbers: numbers.map(|(key, value)| (key.to_owned(), value)).into(),
            gaps: vec![],
            wall: 1.0,
            cpu: 1.0,
            peak_kib: 1024,
            others: 0.0,
            error: None,
        }
    }

    fn selected(words: &[&str]) -> Vec<String> {
        let options = Options { workloads: words.iter().map(|word| (*word).to_owned()).collect(), ..none() };
        let mut workloads: Vec<String> =
            select(&options).expect("names").cases.into_iter().map(|case| case.workload).collect();
        workloads.dedup();
        workloads
    }

    fn none() -> Options {
        Options { peers: Some(vec![]), quick: true, ..Options::parse(&[]).expect("no words") }
    }

    #[test]
    fn words_select_workloads_groups_and_rows() {
        assert_eq!(selected(&["w3"]), ["w3", "w3x2"]);
        assert_eq!(selected(&["table"]), ["w5", "w5x2", "w5s2"]);
        assert_eq!(selected(&["by-links"]), ["by-links"]);
        assert!(selected(&["curves"]).iter().all(|name| name.starts_with("by-") || name == "links-pause"));
        assert!(!selected(&[]).iter().any(|name| name.starts_with("by-")), "curves only if asked for");
        let unknown = select(&Options { workloads: vec!["w9".into()], ..none() });
        assert!(unknown.err().expect("unknown").contains("\"w9\""));
    }

    #[test]
    fn every_workload_has_a_system_of_ours() {
        let all = select(&Options { workloads: vec!["all".into()], ..none() }).expect("names").cases;
        for workload in WORKLOADS {
            let ours = |case: &Case| case.workload == workload.id && case.role == Role::Handfast;
            assert!(all.iter().any(ours), "{}", workload.id);
        }
        for case in all.iter().filter(|case| !case.base.is_empty()) {
            let base = |other: &Case| other.workload == case.workload && other.system == case.base;
            let row = |other: &Case| case.row && other.system == case.base;
            assert!(all.iter().any(|other| base(other) || row(other)), "{} of {}", case.system, case.base);
        }
    }
}
