//! The tables, in the form of Markdown, so that they can be read here and kept in a document.

use crate::own::Role;
use crate::run::Run;
use crate::summary::{Spread, Summary, best_peer};
use crate::workload::{self, Workload};

/// Three digits or so.
pub fn short(number: f64) -> String {
    match number.abs() {
        n if n >= 100.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        n if n >= 0.1 || n == 0.0 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

fn cell(number: Option<f64>) -> String {
    number.map_or_else(|| "–".to_owned(), short)
}

/// Prints rows with columns of one width, the first to the left.
pub fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |at: usize| {
        let widths = rows.iter().map(|row| row[at].chars().count());
        widths.chain([head[at].chars().count(), 3]).max().unwrap_or(3)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<String>| {
        let padded =
            cells.iter().zip(&widths).enumerate().map(|(at, (cell, &width))| {
                if at == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
        println!("| {} |", padded.collect::<Vec<_>>().join(" | "));
    };
    line(head.iter().map(|&cell| cell.to_owned()).collect());
    let rule = |(at, &width): (usize, &usize)| if at == 0 { "-".repeat(width) } else { "-".repeat(width - 1) + ":" };
    println!("| {} |", widths.iter().enumerate().map(rule).collect::<Vec<_>>().join(" | "));
    rows.iter().for_each(|row| line(row.clone()));
}

fn range(spread: Option<Spread>) -> String {
    spread.map_or_else(|| "–".to_owned(), |s| format!("{} to {}", short(s.least), short(s.most)))
}

/// Everything.
pub fn print(summaries: &[Summary<'_>], runs: &[Run]) {
    for workload in workload::WORKLOADS {
        let of: Vec<_> = summaries.iter().filter(|s| !s.case.row && s.case.workload == workload.id).collect();
        if of.is_empty() {
            continue;
        }
        println!("\n**{}** (`{}`, {})\n", workload.title, workload.id, workload.unit);
        if workload.x.is_some() {
            print_curve(workload, &of)
        } else {
            print_workload(&of)
        }
        failures(&of);
    }
    let rows: Vec<_> = summaries.iter().filter(|summary| summary.case.row).collect();
    if !rows.is_empty() {
        println!("\n**Rows** (ns an operation; the ratio is that of CPU times)\n");
        print_rows(&rows);
        failures(&rows);
    }
    if let Some(others) = Spread::of(runs.iter().map(|run| run.others)) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        println!(
            "\nDuring a run everything else on the machine had {} ({}) of {cores} cores.",
            short(others.median),
            range(Some(others)),
        );
    }
}

fn failures(of: &[&Summary<'_>]) {
    for (summary, error) in of.iter().filter_map(|summary| Some((summary, summary.error?))) {
        println!("\nFAILED: {} on {}: {error}", summary.case.system, summary.case.workload);
    }
}

fn print_workload(of: &[&Summary<'_>]) {
    let best = best_peer(of).and_then(|summary| summary.figure).map(|figure| figure.median);
    let cpu = |summary: &Summary<'_>| summary.cpu_ns.map(|cpu| cpu.median);
    let peers = of.iter().filter(|summary| summary.case.role == Role::Peer);
    let best_cpu = peers.filter_map(|summary| cpu(summary)).min_by(f64::total_cmp);
    let mut sorted = of.to_vec();
    let key = |summary: &Summary<'_>| summary.figure.map_or(f64::INFINITY, |figure| figure.median);
    sorted.sort_by(|a, b| {
        let role = |summary: &Summary<'_>| {
            [Role::Handfast, Role::Limit, Role::Peer].iter().position(|r| *r == summary.case.role)
        };
        role(a).cmp(&role(b)).then(key(a).total_cmp(&key(b)))
    });
    let gaps = of.iter().any(|summary| !summary.gaps.is_empty());
    let pauses = of.iter().any(|summary| summary.pauses().iter().any(Option::is_some));
    let mut head =
        vec!["system", "runs", "median", "range", "CPU ns/op", "peak MiB", "of best peer", "CPU, of best", "of limit"];
    if pauses {
        head.extend(if gaps {
            ["gap p50, us", "p99", "p99.9", "p99.99", "longest"]
        } else {
            ["pause p50, us", "p99", "p99.9", "p99.99", "longest"]
        });
    }
    let rows: Vec<Vec<String>> = sorted
        .iter()
        .map(|summary| {
            let median = summary.figure.map(|figure| figure.median);
            let limit = of.iter().find(|other| other.case.system == summary.case.base).and_then(|other| other.figure);
            let mut row = vec![
                summary.case.system.clone(),
                summary.runs().to_string(),
                cell(median),
                range(summary.figure),
                cell(cpu(summary)),
                cell(summary.peak.map(|peak| peak.median)),
                cell(median.zip(best).map(|(median, best)| median / best)),
                cell(cpu(summary).zip(best_cpu).map(|(cpu, best)| cpu / best)),
                cell(median.zip(limit).map(|(median, limit)| median / limit.median)),
            ];
            if pauses {
                row.extend(summary.pauses().map(cell));
            }
            row
        })
        .collect();
    table(&head, &rows);
    let less = sorted.iter().filter(|summary| summary.case.expected.part > 1);
    let less: Vec<String> = less.map(|of| format!("{} 1/{}", of.case.system, of.case.expected.part)).collect();
    if !less.is_empty() {
        println!("\nDid a part of the work: {}.", less.join(", "));
    }
    of.iter().for_each(|summary| print_parts(summary));
    print_interruptions(&sorted);
}

/// What the machine did to the threads that have ticks.
fn print_interruptions(of: &[&Summary<'_>]) {
    let keys = ["faults", "switches", "stolen_ms", "gap_max_us", "gap_own_us"];
    let rows: Vec<Vec<String>> = of
        .iter()
        .filter_map(|summary| {
            let number = |key| summary.number(key).map(|spread| spread.median);
            number("gap_own_us")?;
            Some([summary.case.system.clone()].into_iter().chain(keys.map(|key| cell(number(key)))).collect())
        })
        .collect();
    if !rows.is_empty() {
        println!("\nWhat the machine did to these threads meanwhile:\n");
        let head = ["page faults", "core given to others", "stolen by the host, ms", "longest gap, us", "its own, us"];
        table(&[&["system"], &head[..]].concat(), &rows);
    }
}

/// What memory consists of at the peak.
fn print_parts(summary: &Summary<'_>) {
    let parts = ["lives", "dead", "gaps", "nursery", "free", "rest"].map(|part| {
        let spread = summary.number(&format!("at_peak_{part}"))?;
        Some(format!("{part} {} ({})", short(spread.median), range(Some(spread))))
    });
    if let [Some(_), ..] = parts {
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        println!("\nAt the peak of {}, MiB: {}.", summary.case.system, parts.join(", "));
    }
}

fn print_curve(workload: &Workload, of: &[&Summary<'_>]) {
    let Some((name, xs)) = workload.x else { return };
    let mut systems: Vec<&str> = vec![];
    for summary in of {
        if !systems.contains(&summary.case.system.as_str()) {
            systems.push(&summary.case.system);
        }
    }
    let titles: Vec<String> = xs.iter().map(|x| format!("{x}")).collect();
    let head: Vec<&str> = [name].into_iter().chain(titles.iter().map(String::as_str)).collect();
    let rows: Vec<Vec<String>> = systems
        .into_iter()
        .map(|system| {
            let at = |x: &f64| {
                let found = of.iter().find(|summary| summary.case.system == system && summary.case.x == Some(*x));
                cell(found.and_then(|summary| summary.figure).map(|figure| figure.median))
            };
            [system.to_owned()].into_iter().chain(xs.iter().map(at)).collect()
        })
        .collect();
    table(&head, &rows);
}

fn print_rows(of: &[&Summary<'_>]) {
    let rows: Vec<Vec<String>> = of
        .iter()
        .map(|summary| {
            let cpu = |summary: &Summary<'_>| summary.cpu_ns.map(|cpu| cpu.median);
            let base = of.iter().find(|other| other.case.system == summary.case.base).and_then(|other| cpu(other));
            vec![
                summary.case.system.clone(),
                cell(summary.figure.map(|figure| figure.median)),
                range(summary.figure),
                cell(cpu(summary)),
                cell(summary.peak.map(|peak| peak.median)),
                cell(cpu(summary).zip(base).map(|(cpu, base)| cpu / base)),
                summary.case.base.clone(),
            ]
        })
        .collect();
    table(&["row", "wall", "range", "CPU", "peak MiB", "ratio", "of"], &rows);
}
