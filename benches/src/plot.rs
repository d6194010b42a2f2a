//! `--plot`: pictures of what the tables say. For each workload bars with their spread, for those with ticks how the gaps
//! are spread, and for each curve its lines.

use crate::own::Role;
use crate::report::short;
use crate::summary::Summary;
use crate::svg::{Axis, Svg, colour};
use crate::workload::{WORKLOADS, Workload};
use std::collections::BTreeMap;
use std::path::Path;

const GREY: &str = "#888888";
const PALE: &str = "#dddddd";
const WIDTH: f64 = 860.0;

/// Writes all that there is to `folder`, which exists.
///
/// # Errors
/// The first file that cannot be written.
pub fn write(summaries: &[Summary<'_>], folder: &Path) -> Result<(), String> {
    let save = |name: String, svg: Svg| {
        let path = folder.join(name);
        std::fs::write(&path, svg.finish()).map_err(|error| format!("{}: {error}", path.display()))
    };
    for workload in WORKLOADS {
        let of: Vec<_> =
            summaries.iter().filter(|s| !s.case.row && s.case.workload == workload.id && s.figure.is_some()).collect();
        if of.is_empty() {
            continue;
        }
        if workload.x.is_some() {
            save(format!("{}.svg", workload.id), curve(workload, &of))?;
            continue;
        }
        save(format!("{}.svg", workload.id), bars(workload, &of))?;
        if of.iter().any(|summary| !summary.gaps.is_empty()) {
            save(format!("{}-gaps.svg", workload.id), gaps(workload, &of))?;
        }
    }
    Ok(())
}

/// One bar a system, from the best to the worst; a line from the least to the most.
fn bars(workload: &Workload, of: &[&Summary<'_>]) -> Svg {
    let mut bars: Vec<_> = of.iter().filter_map(|summary| Some((summary.case, summary.figure?))).collect();
    bars.sort_by(|a, b| a.1.median.total_cmp(&b.1.median));
    let (top, height) = (40.0, 24.0);
    let mut svg = Svg::new(WIDTH, top + height * bars.len() as f64 + 50.0, workload.title);
    let most = bars.iter().map(|(_, figure)| figure.median).fold(0.0, f64::max);
    let least = bars.first().map_or(1.0, |(_, figure)| figure.median);
    // Where one is a hundred times another, equal steps would show nothing.
    let wide = least > 0.0 && most / least > 40.0;
    let (left, right) = (240.0, WIDTH - 90.0);
    let axis = if wide {
        Axis::ratios(least / 2.0, most * 1.1, left, right)
    } else {
        Axis::linear(0.0, most * 1.1, left, right)
    };
    let bottom = top + height * bars.len() as f64;
    for tick in axis.ticks() {
        svg.line(&[(axis.at(tick), top), (axis.at(tick), bottom)], PALE, 1.0);
        svg.text(axis.at(tick), bottom + 16.0, "middle", 11.0, &short(tick));
    }
    let unit = if wide { format!("{}, by ratios", workload.unit) } else { workload.unit.to_owned() };
    svg.text((left + right) / 2.0, bottom + 36.0, "middle", 12.0, &unit);
    for (at, (case, figure)) in bars.iter().enumerate() {
        let y = top + at as f64 * height;
        let fill = match case.role {
            Role::Handfast => colour(0),
            Role::Peer => colour(1),
            Role::Limit => GREY,
        };
        svg.text(left - 8.0, y + 16.0, "end", 12.0, &case.system);
        svg.bar(left, y + 3.0, axis.at(figure.median) - left, height - 6.0, fill);
        let (from, to) = (axis.at(figure.least), axis.at(figure.most).min(right));
        svg.line(&[(from, y + height / 2.0), (to, y + height / 2.0)], "black", 1.5);
        svg.text(axis.at(figure.median).max(to) + 6.0, y + 16.0, "start", 11.0, &short(figure.median));
    }
    svg
}

/// Which part of the gaps is longer than so many microseconds: both axes by ratios, one line a system.
fn gaps(workload: &Workload, of: &[&Summary<'_>]) -> Svg {
    let with: Vec<_> = of.iter().filter(|summary| !summary.gaps.is_empty()).collect();
    let title = format!("{}: gaps of a mutator", workload.title);
    let (top, bottom, left, right) = (56.0, 430.0, 80.0, WIDTH - 230.0);
    let mut svg = Svg::new(WIDTH, bottom + 50.0, &title);
    let us = |ns: u64| ns.max(1) as f64 / 1e3;
    let ends = |pick: fn(&BTreeMap<u64, u64>) -> Option<u64>| with.iter().filter_map(move |s| pick(&s.gaps));
    let low = ends(|gaps| gaps.keys().next().copied()).min().map_or(0.1, us);
    let high = ends(|gaps| gaps.keys().last().copied()).max().map_or(1.0, us);
    let x = Axis::ratios(low.max(0.01), (high * 1.5).max(0.02), left, right);
    let y = Axis::ratios(1e-7, 1.0, bottom, top);
    for tick in x.ticks() {
        svg.line(&[(x.at(tick), top), (x.at(tick), bottom)], PALE, 1.0);
        svg.text(x.at(tick), bottom + 16.0, "middle", 11.0, &format!("{tick}"));
    }
    for tick in y.ticks() {
        svg.line(&[(left, y.at(tick)), (right, y.at(tick))], PALE, 1.0);
        svg.text(left - 6.0, y.at(tick) + 4.0, "end", 11.0, &format!("{tick:e}"));
    }
    svg.text((left + right) / 2.0, bottom + 36.0, "middle", 12.0, "longer than, us");
    svg.text(8.0, top - 6.0, "start", 12.0, "part of the gaps");
    for (number, summary) in with.iter().enumerate() {
        let total: u64 = summary.gaps.values().sum();
        let (mut left_over, mut points) = (total, vec![]);
        for (&ns, &count) in &summary.gaps {
            points.push((x.at(us(ns)), y.at(left_over as f64 / total as f64)));
            left_over -= count;
        }
        let width = if summary.case.role == Role::Handfast { 2.5 } else { 1.2 };
        svg.line_of(number, &points, width);
        legend(&mut svg, number, &summary.case.system);
    }
    svg
}

fn legend(svg: &mut Svg, number: usize, name: &str) {
    let y = 50.0 + number as f64 * 18.0;
    svg.line_of(number, &[(WIDTH - 218.0, y - 4.0), (WIDTH - 198.0, y - 4.0)], 2.5);
    svg.text(WIDTH - 192.0, y, "start", 12.0, name);
}

/// One line a system.
fn curve(workload: &Workload, of: &[&Summary<'_>]) -> Svg {
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for summary in of {
        if let (Some(x), Some(figure)) = (summary.case.x, summary.figure) {
            lines.entry(&summary.case.system).or_default().push((x, figure.median));
        }
    }
    let (name, xs) = workload.x.unwrap_or(("", &[0.0]));
    let (top, bottom, left, right) = (56.0, 430.0, 80.0, WIDTH - 230.0);
    let mut svg = Svg::new(WIDTH, bottom + 50.0, workload.title);
    let most = lines.values().flatten().map(|point| point.1).fold(0.0, f64::max);
    let y = Axis::linear(0.0, most * 1.1, bottom, top);
    // Places by order: the values are often far apart.
    let x = Axis::linear(0.0, (xs.len() - 1) as f64, left + 20.0, right - 20.0);
    for (at, value) in xs.iter().enumerate() {
        svg.text(x.at(at as f64), bottom + 16.0, "middle", 11.0, &format!("{value}"));
    }
    for tick in y.ticks() {
        svg.line(&[(left, y.at(tick)), (right, y.at(tick))], PALE, 1.0);
        svg.text(left - 6.0, y.at(tick) + 4.0, "end", 11.0, &short(tick));
    }
    svg.text((left + right) / 2.0, bottom + 36.0, "middle", 12.0, name);
    svg.text(8.0, top - 6.0, "start", 12.0, workload.unit);
    for (number, (system, points)) in lines.iter().enumerate() {
        let place = |value: &f64| xs.iter().position(|x| x == value).unwrap_or(0) as f64;
        let points: Vec<_> = points.iter().map(|(value, figure)| (x.at(place(value)), y.at(*figure))).collect();
        let width = if system.starts_with("handfast") { 2.5 } else { 1.2 };
        svg.line_of(number, &points, width);
        points.iter().for_each(|(x, y)| svg.dot(*x, *y, colour(number)));
        legend(&mut svg, number, system);
    }
    svg
}
