//! `--plot`: pictures of what the tables say. For each workload bars with their spread, for those with ticks how the gaps
//! are spread, and for each curve its lines.

use crate::own::Role;
use crate::report::short;
use crate::summary::{Spread, Summary};
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
            save(format!("{}-histogram.svg", workload.id), histogram(workload, &of))?;
        } else if of.iter().any(|summary| summary.pauses()[0].is_some()) {
            save(format!("{}-pauses.svg", workload.id), pauses(workload, &of))?;
        }
    }
    Ok(())
}

/// One bar a system, from the best to the worst; a line from the least to the most.
fn bars(workload: &Workload, of: &[&Summary<'_>]) -> Svg {
    let mut bars: Vec<_> = of.iter().filter_map(|summary| Some((summary.case, summary.figure?))).collect();
    bars.sort_by(|a, b| a.1.median.total_cmp(&b.1.median));
    let (top, height) = (40.0, 24.0);
    let mut svg = Svg::new(WIDTH, top + height * bars.len() as f64 + 66.0, workload.title);
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
    let note = "red: handfast; blue: others; grey: the bare machine; black: from the least to the most of the runs";
    svg.text((left + right) / 2.0, bottom + 54.0, "middle", 11.0, note);
    for (at, (case, figure)) in bars.iter().enumerate() {
        let y = top + at as f64 * height;
        let fill = role_colour(case.role);
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

/// The part of the gaps in each half of a power of two: one small histogram a system, all on one axis, the parts by ratios,
/// since one gap in a million is what this is about.
fn histogram(workload: &Workload, of: &[&Summary<'_>]) -> Svg {
    let mut with: Vec<_> = of.iter().filter(|summary| !summary.gaps.is_empty()).collect();
    let longest = |summary: &Summary<'_>| summary.gaps.keys().last().copied().unwrap_or(0);
    with.sort_by_key(|summary| longest(summary));
    let (top, height, left, right) = (56.0, 34.0, 240.0, WIDTH - 110.0);
    let bottom = top + height * with.len() as f64;
    let title = format!("{}: how long gaps are", workload.title);
    let mut svg = Svg::new(WIDTH, bottom + 66.0, &title);
    let us = |ns: u64| ns.max(1) as f64 / 1e3;
    let low = with.iter().filter_map(|s| s.gaps.keys().next().copied()).min().map_or(0.1, us);
    let high = with.iter().map(|summary| longest(summary)).max().map_or(1.0, us);
    let x = Axis::ratios(low.max(0.05), (high * 1.5).max(0.1), left, right);
    for tick in x.ticks() {
        svg.line(&[(x.at(tick), top), (x.at(tick), bottom)], PALE, 1.0);
        svg.text(x.at(tick), bottom + 16.0, "middle", 11.0, &format!("{tick}"));
    }
    svg.text((left + right) / 2.0, bottom + 36.0, "middle", 12.0, "gap between two ticks, us, by ratios");
    let note = "height: part of all gaps, by ratios, from one in ten million to all; at the right the longest, us";
    svg.text((left + right) / 2.0, bottom + 54.0, "middle", 11.0, note);
    for (at, summary) in with.iter().enumerate() {
        let base = top + (at + 1) as f64 * height - 3.0;
        let y = Axis::ratios(1e-7, 1.0, base, base - height + 6.0);
        let total: u64 = summary.gaps.values().sum();
        let mut halves: BTreeMap<i32, u64> = BTreeMap::new();
        for (&ns, &count) in &summary.gaps {
            *halves.entry((us(ns).log2() * 2.0).floor() as i32).or_default() += count;
        }
        let fill = role_colour(summary.case.role);
        for (half, count) in halves {
            let (from, to) = (x.at(2f64.powf(f64::from(half) / 2.0)), x.at(2f64.powf(f64::from(half + 1) / 2.0)));
            let part = y.at((count as f64 / total as f64).max(1.3e-7));
            svg.bar(from, part, (to - from - 0.5).max(0.5), base - part, fill);
        }
        svg.line(&[(left, base), (right, base)], GREY, 0.5);
        svg.text(left - 8.0, base - 8.0, "end", 12.0, &summary.case.system);
        let worst = summary.number("gap_max_us").map_or(us(longest(summary)), |spread| spread.most);
        svg.text(right + 6.0, base - 8.0, "start", 11.0, &short(worst));
    }
    svg
}

/// What systems say of their pauses: from the median to the longest, with marks at 99 and 99.9 percent.
fn pauses(workload: &Workload, of: &[&Summary<'_>]) -> Svg {
    let mut with: Vec<_> = of
        .iter()
        .filter_map(|summary| match summary.pauses() {
            [Some(p50), p99, p999, _, Some(longest)] if longest > 0.0 => Some((summary.case, p50, p99, p999, longest)),
            _ => None,
        })
        .collect();
    with.sort_by(|a, b| a.4.total_cmp(&b.4));
    let (top, height, left, right) = (40.0, 24.0, 240.0, WIDTH - 90.0);
    let bottom = top + height * with.len() as f64;
    let title = format!("{}: pauses as systems count their own", workload.title);
    let mut svg = Svg::new(WIDTH, bottom + 66.0, &title);
    let low = with.iter().map(|pause| pause.1).filter(|p50| *p50 > 0.0).fold(f64::INFINITY, f64::min);
    let high = with.iter().map(|pause| pause.4).fold(0.0, f64::max);
    let low = if low.is_finite() { low } else { high / 10.0 };
    let axis = Axis::ratios(low / 2.0, high * 2.0, left, right);
    for tick in axis.ticks() {
        svg.line(&[(axis.at(tick), top), (axis.at(tick), bottom)], PALE, 1.0);
        svg.text(axis.at(tick), bottom + 16.0, "middle", 11.0, &format!("{tick}"));
    }
    svg.text((left + right) / 2.0, bottom + 36.0, "middle", 12.0, "us, by ratios");
    let note = "from the median to the longest; marks at 99 and 99.9 percent; systems that say nothing are not shown";
    svg.text((left + right) / 2.0, bottom + 54.0, "middle", 11.0, note);
    for (at, (case, p50, p99, p999, longest)) in with.into_iter().enumerate() {
        let (y, fill) = (top + at as f64 * height, role_colour(case.role));
        let (from, to) = (axis.at(p50.max(low / 2.0)), axis.at(longest));
        svg.text(left - 8.0, y + 16.0, "end", 12.0, &case.system);
        svg.bar(from, y + 8.0, (to - from).max(2.0), height - 16.0, fill);
        for mark in [p99, p999].into_iter().flatten() {
            svg.line(&[(axis.at(mark), y + 4.0), (axis.at(mark), y + height - 4.0)], "black", 1.5);
        }
        svg.text(to + 6.0, y + 16.0, "start", 11.0, &short(longest));
    }
    svg
}

fn role_colour(role: Role) -> &'static str {
    match role {
        Role::Handfast => colour(0),
        Role::Peer => colour(1),
        Role::Limit => GREY,
    }
}

fn legend(svg: &mut Svg, number: usize, name: &str) {
    let y = 50.0 + number as f64 * 18.0;
    svg.line_of(number, &[(WIDTH - 218.0, y - 4.0), (WIDTH - 198.0, y - 4.0)], 2.5);
    svg.text(WIDTH - 192.0, y, "start", 12.0, name);
}

/// One line a system, with a thin one from the least to the most at each value.
fn curve(workload: &Workload, of: &[&Summary<'_>]) -> Svg {
    let mut lines: BTreeMap<&str, Vec<(f64, Spread)>> = BTreeMap::new();
    for summary in of {
        if let (Some(x), Some(figure)) = (summary.case.x, summary.figure) {
            lines.entry(&summary.case.system).or_default().push((x, figure));
        }
    }
    let (name, xs) = workload.x.unwrap_or(("", &[0.0]));
    let (top, bottom, left, right) = (56.0, 430.0, 80.0, WIDTH - 230.0);
    let mut svg = Svg::new(WIDTH, bottom + 50.0, workload.title);
    let most = lines.values().flatten().map(|point| point.1.median).fold(0.0, f64::max);
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
    svg.text((left + right) / 2.0, bottom + 36.0, "middle", 12.0, &format!("{name} (not to scale)"));
    svg.text(8.0, top - 6.0, "start", 12.0, workload.unit);
    for (number, (system, points)) in lines.iter().enumerate() {
        let place = |value: &f64| xs.iter().position(|x| x == value).unwrap_or(0) as f64;
        for (value, figure) in points {
            let (low, high) = (y.at(figure.least), y.at(figure.most).max(top));
            svg.line(&[(x.at(place(value)), low), (x.at(place(value)), high)], colour(number), 0.8);
        }
        let points: Vec<_> = points.iter().map(|(value, figure)| (x.at(place(value)), y.at(figure.median))).collect();
        let width = if system.starts_with("handfast") { 2.5 } else { 1.2 };
        svg.line_of(number, &points, width);
        points.iter().for_each(|(x, y)| svg.dot(*x, *y, colour(number)));
        legend(&mut svg, number, system);
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;
    use crate::case::tests::{case, run};
    use crate::summary::summaries;

    fn workload(id: &str) -> &'static Workload {
        WORKLOADS.iter().find(|workload| workload.id == id).expect("a workload")
    }

    /// The picture of a workload whose systems have these figures.
    fn picture(
        id: &str,
        systems: &[(&str, Role, f64)],
        change: impl Fn(usize, &mut Case, &mut crate::run::Run),
        draw: fn(&Workload, &[&Summary<'_>]) -> Svg,
    ) -> String {
        let mut cases: Vec<Case> = systems.iter().map(|(name, role, _)| case(id, name, *role)).collect();
        let mut runs: Vec<_> = systems.iter().enumerate().map(|(at, system)| run(at, system.2)).collect();
        cases.iter_mut().zip(&mut runs).enumerate().for_each(|(at, (case, run))| change(at, case, run));
        let all = summaries(&cases, &runs);
        let text = draw(workload(id), &all.iter().collect::<Vec<_>>()).finish();
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        text
    }

    fn widths_of_bars(text: &str) -> Vec<f64> {
        let bars = text.lines().filter(|line| line.starts_with("<rect x="));
        bars.map(|line| line.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn bars_are_as_long_as_the_figures() {
        let systems = [("slow", Role::Peer, 30.0), ("ours", Role::Handfast, 10.0), ("limit", Role::Limit, 5.0)];
        let text = picture("w2", &systems, |_, _, _| (), bars);
        let widths = widths_of_bars(&text);
        assert!((widths[1] / widths[0] - 2.0).abs() < 0.01 && (widths[2] / widths[0] - 6.0).abs() < 0.02, "{widths:?}");
        assert!(text.contains("ns an object") && !text.contains("by ratios"), "the axis has its unit");
        for name in ["slow", "ours", "limit"] {
            assert!(text.contains(&format!(">{name}<")), "{name}");
        }
        let far = picture("w2", &[("a", Role::Peer, 1.0), ("b", Role::Peer, 100.0)], |_, _, _| (), bars);
        assert!(far.contains("ns an object, by ratios"), "an axis that is not linear says so");
    }

    #[test]
    fn a_curve_shows_each_value_and_skips_what_failed() {
        let systems = [("ours", Role::Handfast, 1.0); 4];
        let text = picture(
            "by-old",
            &systems,
            |at, case, run| {
                case.x = Some([0.0, 32.0, 128.0, 512.0][at]);
                if at == 3 {
                    run.error = Some("out of memory".into());
                }
            },
            curve,
        );
        assert_eq!(text.matches("<circle").count(), 3);
        assert!(text.contains("old generation, MiB (not to scale)") && text.contains("CPU us a collection"));
    }

    #[test]
    fn one_gap_in_a_million_is_seen() {
        let spread = |_: usize, _: &mut Case, run: &mut crate::run::Run| {
            run.gaps = vec![(4096, 999_999), (1 << 30, 1)];
            run.numbers.insert("gap_max_us".into(), 1_100_000.0);
        };
        let text = picture("w5", &[("ours", Role::Handfast, 1.0)], spread, histogram);
        assert_eq!(widths_of_bars(&text).len(), 2, "{text}");
        assert!(text.contains("1100000") && text.contains("us, by ratios"));
        let text = picture("w5", &[("ours", Role::Handfast, 1.0)], spread, gaps);
        assert!(text.contains("longer than, us"));
    }

    #[test]
    fn systems_that_say_nothing_of_pauses_are_left_out() {
        let systems = [("ours", Role::Handfast, 1.0), ("silent", Role::Peer, 1.0)];
        let text = picture(
            "w3",
            &systems,
            |at, _, run| {
                if at == 0 {
                    for (key, us) in [("p50", 10.0), ("p99", 20.0), ("p999", 30.0), ("max", 400.0)] {
                        run.numbers.insert(format!("pause_{key}_us"), us);
                    }
                }
            },
            pauses,
        );
        assert!(text.contains(">ours<") && text.contains(">400<") && !text.contains(">silent<"));
    }
}
