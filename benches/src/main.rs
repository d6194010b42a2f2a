//! `cargo run --release -p handfast-bench -- [WORKLOAD…]`: the same workloads on handfast, on every peer that is installed
//! and on the bare machine, interleaved in one run. Prints medians of the rounds, and ratios: the machine may be busy, the
//! ratios hold. `--help` says what else it does.
//!
//! | file | what |
//! |---|---|
//! | `workload.rs`, `own.rs`, `peers.rs` | what is run, by this program and by the peers' programs under `peers/` |
//! | `case.rs`, `run.rs`, `outcome.rs` | a run is a process of its own, and prints words that all programs share |
//! | `expected.rs` | what a run must have done, so that a system that does less is no peer |
//! | `summary.rs`, `report.rs`, `json.rs`, `plot.rs`, `goals.rs` | what comes out |
//! | `churn.rs` | W2: allocation of objects that die at once |
//! | `trees.rs`, `gcbench.rs` | W3, W4: allocation, minor collections and cycles |
//! | `table.rs` | W5: random replacement in a big table, with the gaps that the mutator notices |
//! | `interruptions.rs` | what the machine did to a thread meanwhile |
//! | `blocks.rs`, `counts.rs`, `calls.rs` | W6, W7, H: memory, counts and calls of C |
//! | `minors.rs`, `cycles.rs` | collections by themselves, and curves |
//! | `memory.rs` | resident memory at the peak, and what it consists of |
//! | `handle.rs` | rows: making, finding, counting and dropping `PyObject`s |
//! | `crossing.rs` | rows: from C to the heap and back, through the C functions, and between threads |
//! | `slab.rs` | rows: memory of `PyObject`s alone: one thread allocates and another frees; footprint |
//! | `links.rs` | millions of live links: what they cost and what they add to pauses (`-- links`) |

mod blocks;
mod calls;
mod case;
mod churn;
mod counts;
mod crossing;
mod cycles;
mod expected;
mod gaps;
mod gcbench;
mod goals;
mod handle;
mod interruptions;
mod json;
mod links;
mod malloc;
mod memory;
mod minors;
mod node;
mod options;
mod outcome;
mod own;
mod peers;
mod plot;
mod region;
mod report;
mod row;
mod run;
mod settings;
mod slab;
mod summary;
mod svg;
mod table;
mod trees;
mod workload;

use options::Options;
use settings::{config, paced, prompt, raw_heap};
use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["--child", ..] => own::child(&words[1..]),
        // `slab.rs` asks for itself.
        ["footprint", _] => own::child(&words),
        _ => Options::parse(&arguments).and_then(|options| everything(&options)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("handfast-bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn list(selection: &case::Selection) {
    for workload in workload::WORKLOADS {
        println!("{:<12} {:<8} {}", workload.id, workload.group, workload.title);
        let mut systems: Vec<&str> = vec![];
        for case in selection.cases.iter().filter(|case| !case.row && case.workload == workload.id) {
            if !systems.contains(&case.system.as_str()) {
                systems.push(&case.system);
            }
        }
        println!("             {}", systems.join(", "));
    }
    println!("rows:");
    selection.cases.iter().filter(|case| case.row).for_each(|case| println!("             {}", case.system));
    println!("reports:     {}", case::REPORTS.join(", "));
}

fn everything(options: &Options) -> Result<(), String> {
    if options.help {
        println!("{}", options::HELP);
        return Ok(());
    }
    if options.list && options.workloads.is_empty() {
        let all = Options { workloads: vec!["all".into()], peers: options.peers.clone(), ..Options::parse(&[])? };
        let selection = case::select(&all)?;
        list(&selection);
        selection.missing.iter().for_each(|missing| println!("missing: {missing}"));
        return Ok(());
    }
    let selection = case::select(options)?;
    if options.list {
        list(&selection);
        return Ok(());
    }
    let mut json = match &options.json {
        Some(path) => Some(File::create(path).map_err(|error| format!("{}: {error}", path.display()))?),
        None => None,
    };
    if let Some(folder) = &options.plot {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let (cases, mut runs, mut behind) = (&selection.cases, vec![], vec![]);
    let start = Instant::now();
    'rounds: for round in 1..=options.rounds {
        if let (2, Some(ratio)) = (round, options.leaders) {
            behind = summary::far_behind(cases, &runs, ratio);
        }
        for (number, case) in cases.iter().enumerate().filter(|(number, _)| !behind.contains(number)) {
            if options.minutes.is_some_and(|most| start.elapsed() > most) {
                println!("Time is up in round {round}, before {} on {}.", case.system, case.workload);
                break 'rounds;
            }
            let run = run::run(number, case, round, options.timeout);
            let x = case.x.map_or(String::new(), |x| format!(" ({x})"));
            let result = match (&run.error, run.figure()) {
                (None, Some(figure)) => report::short(figure),
                (error, _) => format!("FAILED: {}", error.as_deref().unwrap_or("no figure")),
            };
            eprintln!("round {round} {:<11} {:<52} {result}", case.workload, format!("{}{x}", case.system));
            if let Some(file) = &mut json {
                writeln!(file, "{}", json::object(case, &run)).map_err(|error| format!("--json: {error}"))?;
            }
            runs.push(run);
        }
    }
    let summaries = summary::summaries(cases, &runs);
    report::print(&summaries, &runs);
    goals::print(&summaries);
    if !selection.missing.is_empty() {
        println!("\nNot compared with:");
        selection.missing.iter().for_each(|missing| println!("- {missing}"));
    }
    for name in &selection.reports {
        println!();
        if *name == "links" { links::run() } else { slab::footprint() }
    }
    if let Some(folder) = &options.plot {
        plot::write(&summaries, folder)?;
    }
    // A point of a curve may be out of reach: the table says so.
    let failed = |run: &run::Run| run.error.is_some() && cases[run.case].x.is_none();
    if runs.iter().any(|run| failed(run) && cases[run.case].role != own::Role::Peer) {
        return Err("a run of handfast or of a limit has failed".into());
    }
    Ok(())
}
