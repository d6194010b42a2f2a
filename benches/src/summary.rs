//! The runs of each case in a few numbers: medians, since the machine may be busy, and the spread beside them.

use crate::case::Case;
use crate::own::Role;
use crate::run::Run;
use std::collections::BTreeMap;

/// A number over all rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// `None` without numbers.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let median = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0;
        Some(Spread { median, least, most })
    }
}

/// A case and its rounds.
pub struct Summary<'a> {
    pub case: &'a Case,
    pub figure: Option<Spread>,
    /// CPU nanoseconds an operation.
    pub cpu_ns: Option<Spread>,
    /// MiB.
    pub peak: Option<Spread>,
    /// The first failure.
    pub error: Option<&'a str>,
    /// Gaps of all rounds together.
    pub gaps: BTreeMap<u64, u64>,
    good: Vec<&'a Run>,
}

/// The peers that need not run again: their figures are more than `ratio` times that of the best peer of the same workload.
pub fn far_behind(cases: &[Case], runs: &[Run], ratio: f64) -> Vec<usize> {
    let summaries = summaries(cases, runs);
    let best = |of: &Summary<'_>| {
        let same = summaries.iter().filter(|s| (&s.case.workload, s.case.x) == (&of.case.workload, of.case.x));
        best_peer(&same.collect::<Vec<_>>())?.figure
    };
    let behind = |of: &Summary<'_>| match (of.figure, best(of)) {
        (Some(figure), Some(best)) => figure.median > best.median * ratio,
        _ => false,
    };
    (0..cases.len()).filter(|&at| cases[at].role == Role::Peer && behind(&summaries[at])).collect()
}

/// Quantiles of pauses, in the order of the table.
pub const QUANTILES: [&str; 5] = ["p50", "p99", "p999", "p9999", "max"];

impl Summary<'_> {
    /// How many runs count.
    pub fn runs(&self) -> usize {
        self.good.len()
    }

    /// A number that programs print, over all rounds.
    pub fn number(&self, key: &str) -> Option<Spread> {
        Spread::of(self.good.iter().filter_map(|run| run.numbers.get(key).copied()))
    }

    /// Microseconds of [`QUANTILES`]: of the gaps, if the workload has ticks, else of what the system calls its pauses. The
    /// longest is that of all rounds.
    pub fn pauses(&self) -> [Option<f64>; 5] {
        let kind = if self.gaps.is_empty() { "pause" } else { "gap" };
        QUANTILES.map(|quantile| {
            let spread = self.number(&format!("{kind}_{quantile}_us"))?;
            Some(if quantile == "max" { spread.most } else { spread.median })
        })
    }
}

/// All of them, in the order of the cases.
pub fn summaries<'a>(cases: &'a [Case], runs: &'a [Run]) -> Vec<Summary<'a>> {
    let mut all: Vec<Summary<'a>> = cases
        .iter()
        .map(|case| Summary {
            case,
            figure: None,
            cpu_ns: None,
            peak: None,
            error: None,
            gaps: BTreeMap::new(),
            good: vec![],
        })
        .collect();
    for run in runs {
        let summary = &mut all[run.case];
        match &run.error {
            Some(error) => summary.error = summary.error.or(Some(error)),
            None => summary.good.push(run),
        }
        for &(ns, count) in &run.gaps {
            *summary.gaps.entry(ns).or_default() += count;
        }
    }
    for summary in &mut all {
        summary.figure = Spread::of(summary.good.iter().filter_map(|run| run.figure()));
        summary.cpu_ns = Spread::of(summary.good.iter().filter_map(|run| run.cpu_ns()));
        summary.peak = Spread::of(summary.good.iter().map(|run| run.peak_kib as f64 / 1024.0));
    }
    all
}

/// The smallest median of the peers among these.
pub fn best_peer<'a, 'b>(of: &'b [&'b Summary<'a>]) -> Option<&'b Summary<'a>> {
    let median = |summary: &Summary<'_>| summary.figure.map_or(f64::INFINITY, |figure| figure.median);
    let peers = of.iter().copied().filter(|summary| summary.case.role == Role::Peer && summary.figure.is_some());
    peers.min_by(|a, b| median(a).total_cmp(&median(b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::{case, run};

    #[test]
    fn medians_with_their_spread() {
        let spread = Spread::of([3.0, 1.0, 9.0, 2.0, 4.0]).unwrap();
        assert_eq!(spread, Spread { median: 3.0, least: 1.0, most: 9.0 });
        assert_eq!(Spread::of([4.0, 1.0]).unwrap().median, 2.5, "of two neither is the median");
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn runs_that_failed_do_not_count() {
        let cases = [case("w2", "a", Role::Peer)];
        let failed = Run { error: Some("lost an object".into()), ..run(0, 1.0) };
        let runs = [run(0, 5.0), failed, run(0, 7.0), run(0, 6.0)];
        let all = summaries(&cases, &runs);
        assert_eq!((all[0].runs(), all[0].error), (3, Some("lost an object")));
        assert_eq!(all[0].figure, Some(Spread { median: 6.0, least: 5.0, most: 7.0 }));
    }

    #[test]
    fn who_is_far_behind_the_best_peer_does_not_run_again() {
        let cases = [
            case("w2", "good", Role::Peer),
            case("w2", "fair", Role::Peer),
            case("w2", "poor", Role::Peer),
            case("w2", "handfast", Role::Handfast),
            case("w3", "poor", Role::Peer),
        ];
        let figures = [2.0, 5.0, 7.0, 100.0, 100.0];
        let runs: Vec<Run> = figures.into_iter().enumerate().map(|(at, figure)| run(at, figure)).collect();
        assert_eq!(far_behind(&cases, &runs, 3.0), [2]);
        assert_eq!(far_behind(&cases, &runs, 2.0), [1, 2]);
    }
}
