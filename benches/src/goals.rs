//! The goals: ratios of what one run of the program has measured, as far as it ran what they are about.

use crate::report::{short, table};
use crate::summary::{Summary, best_peer};

/// What was measured.
struct Results<'a>(&'a [Summary<'a>]);

impl<'a> Results<'a> {
    fn all(&self, workload: &str) -> Vec<&'a Summary<'a>> {
        self.0.iter().filter(|s| !s.case.row && s.case.workload == workload && s.figure.is_some()).collect()
    }

    fn summary(&self, workload: &str, system: &str) -> Option<&'a Summary<'a>> {
        self.all(workload).into_iter().find(|s| s.case.system == system)
    }

    fn figure(&self, workload: &str, system: &str) -> Option<f64> {
        Some(self.summary(workload, system)?.figure?.median)
    }

    fn ratio(&self, workload: &str, system: &str, to: &str) -> Option<f64> {
        Some(self.figure(workload, system)? / self.figure(workload, to)?)
    }

    fn to_best(&self, workload: &str, system: &str) -> Option<f64> {
        let best = best_peer(&self.all(workload))?.figure?.median;
        Some(self.figure(workload, system)? / best)
    }

    fn peak_to_best(&self, workload: &str) -> Option<f64> {
        let all = self.all(workload);
        let peak = best_peer(&all)?.peak?.median;
        Some(self.summary(workload, RAW)?.peak?.median / peak)
    }

    /// The last value of a curve over the first.
    fn growth(&self, workload: &str) -> Option<f64> {
        let of: Vec<_> = self.all(workload).into_iter().filter(|s| s.case.system == RAW).collect();
        Some(of.last()?.figure?.median / of.first()?.figure?.median)
    }

    /// Microseconds.
    fn gap(&self, workload: &str, system: &str, key: &str) -> Option<f64> {
        Some(self.summary(workload, system)?.number(key)?.median)
    }
}

const RAW: &str = "handfast raw";
const TOUCHED: &str = "handfast raw, memory touched";

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}
use Bound::{AtLeast, AtMost};

struct Goal {
    text: &'static str,
    bound: Bound,
    measured: Option<f64>,
}

impl Goal {
    /// Whether it is; `None` if nothing was measured.
    fn met(&self) -> Option<bool> {
        let measured = self.measured?;
        Some(match self.bound {
            AtMost(bound) => measured <= bound,
            AtLeast(bound) => measured >= bound,
        })
    }
}

fn goals(results: &Results<'_>) -> Vec<Goal> {
    let goal = |text, bound, measured| Goal { text, bound, measured };
    let memory = "bump loop, cursor in memory";
    let registers = "bump loop, cursor in registers";
    let two = |workload, twice| Some(results.figure(workload, RAW)? / results.figure(twice, RAW)?);
    let cpu = |workload| Some(results.summary(workload, RAW)?.cpu_ns?.median);
    vec![
        goal("W2, raw, of the loop with its cursor in memory", AtMost(1.3), results.ratio("w2", RAW, memory)),
        goal("W2, typed, the same", AtMost(1.3), results.ratio("w2", "handfast typed", memory)),
        goal("W2, C inline, the same", AtMost(1.3), results.ratio("w2", "handfast C inline", memory)),
        goal("W2, raw, of the best peer", AtMost(0.35), results.to_best("w2", RAW)),
        goal("W2, batch, of the bare loop", AtMost(2.0), results.ratio("w2", "handfast batch", registers)),
        goal("W3 of the best peer", AtMost(0.6), results.to_best("w3", RAW)),
        goal("W3: peak memory of the best peer's", AtMost(1.0), results.peak_to_best("w3")),
        goal("W3: throughput of two threads of that of one", AtLeast(1.9), two("w3", "w3x2")),
        goal(
            "W3: CPU time an object with two threads of that with one",
            AtMost(1.1),
            cpu("w3x2").zip(cpu("w3")).map(|(two, one)| two / one),
        ),
        goal("W4 of the best peer", AtMost(0.6), results.to_best("w4", RAW)),
        goal("W4: peak memory of the best peer's", AtMost(1.0), results.peak_to_best("w4")),
        goal("W5 of ZGC", AtMost(1.0), results.ratio("w5", RAW, "jdk Z")),
        goal("W5 of jemalloc", AtMost(1.3), results.ratio("w5", RAW, "jemalloc")),
        goal("W5: longest gap, us", AtMost(1000.0), results.gap("w5", RAW, "gap_max_us")),
        goal("W5: longest gap, memory touched, us", AtMost(1000.0), results.gap("w5", TOUCHED, "gap_max_us")),
        goal("W5: longest gap of its own, us", AtMost(1000.0), results.gap("w5", RAW, "gap_own_us")),
        goal("W5: the same, memory touched, us", AtMost(1000.0), results.gap("w5", TOUCHED, "gap_own_us")),
        goal("W5: gap p99.99, us", AtMost(1000.0), results.gap("w5", RAW, "gap_p9999_us")),
        goal("W5: gap p99.99, memory touched, us", AtMost(1000.0), results.gap("w5", TOUCHED, "gap_p9999_us")),
        goal(
            "W5: throughput of two threads on one public table of that of one",
            AtLeast(1.7),
            results.ratio("w5s2", "handfast raw, one thread", RAW),
        ),
        goal("publication, ns an object", AtMost(10.0), results.figure("publish", RAW)),
        goal("minor collection, ns a byte that survives", AtMost(1.5), results.figure("minor", RAW)),
        goal("minor collection with 512 MiB of old objects of that with none", AtMost(1.2), results.growth("by-old")),
        goal("minor collection with a million old links of that with none", AtMost(1.2), results.growth("by-links")),
        goal("full cycle, ns a live byte", AtMost(1.0), results.figure("mark", RAW)),
        goal(
            "CPU time of a mutator while cycles run back to back of that without",
            AtMost(1.33),
            results.ratio("busy", "handfast raw, back to back", "handfast raw, no cycle"),
        ),
        goal("memory at the peak of what lives, default pacing", AtMost(1.6), results.figure("memory", RAW)),
    ]
}

/// Prints those that could be measured.
pub fn print(summaries: &[Summary<'_>]) {
    let rows: Vec<Vec<String>> = goals(&Results(summaries))
        .into_iter()
        .filter_map(|goal| {
            let met = if goal.met()? { "yes" } else { "no" };
            let (sign, bound) = match goal.bound {
                AtMost(bound) => ("≤", bound),
                AtLeast(bound) => ("≥", bound),
            };
            Some(vec![goal.text.to_owned(), format!("{sign} {bound}"), short(goal.measured?), met.to_owned()])
        })
        .collect();
    if !rows.is_empty() {
        println!("\n**Goals**\n");
        table(&["goal", "wanted", "measured", "met"], &rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;
    use crate::case::tests::{case, run};
    use crate::own::Role::{self, Handfast, Limit, Peer};
    use crate::run::Run;
    use crate::summary::summaries;

    /// What the goals say of systems with these figures.
    fn measured(
        systems: &[(&str, &str, Role, f64)],
        change: impl Fn(&mut [Case], &mut [Run]),
    ) -> Vec<(String, f64, bool)> {
        let mut cases: Vec<Case> =
            systems.iter().map(|(workload, system, role, _)| case(workload, system, *role)).collect();
        let mut runs: Vec<Run> = systems.iter().enumerate().map(|(at, system)| run(at, system.3)).collect();
        change(&mut cases, &mut runs);
        let all = summaries(&cases, &runs);
        let found = goals(&Results(&all)).into_iter();
        found.filter_map(|goal| Some((goal.text.to_owned(), goal.measured?, goal.met()?))).collect()
    }

    #[test]
    fn what_was_not_run_is_no_goal() {
        assert_eq!(measured(&[], |_, _| ()), []);
        // A peer alone says nothing of handfast.
        assert_eq!(measured(&[("w2", "malloc", Peer, 5.0)], |_, _| ()), []);
    }

    #[test]
    fn ratios_to_the_limit_and_to_the_best_peer() {
        let systems = [
            ("w2", RAW, Handfast, 3.0),
            ("w2", "bump loop, cursor in memory", Limit, 2.0),
            ("w2", "good", Peer, 10.0),
            ("w2", "poor", Peer, 20.0),
        ];
        let found = measured(&systems, |_, _| ());
        let raw = "W2, raw, of the loop with its cursor in memory";
        assert_eq!(found, [(raw.into(), 1.5, false), ("W2, raw, of the best peer".into(), 0.3, true)]);
    }

    #[test]
    fn two_threads_are_compared_with_one() {
        // Nanoseconds an operation of both together: half is twice the throughput. CPU nanoseconds stay.
        let found = measured(&[("w3", RAW, Handfast, 10.0), ("w3x2", RAW, Handfast, 5.0)], |_, runs| {
            runs[1].numbers.insert("cpu".into(), 12e-9);
        });
        let text = |what: &str| format!("W3: {what}");
        assert_eq!(found[0], (text("throughput of two threads of that of one"), 2.0, true));
        assert_eq!(found[1], (text("CPU time an object with two threads of that with one"), 1.2, false));
        let shared = [("w5s2", RAW, Handfast, 5.0), ("w5s2", "handfast raw, one thread", Handfast, 6.0)];
        assert_eq!(measured(&shared, |_, _| ())[0].1, 1.2);
    }

    #[test]
    fn memory_is_that_of_the_fastest_peer() {
        let systems = [("w4", RAW, Handfast, 5.0), ("w4", "fast", Peer, 10.0), ("w4", "small", Peer, 11.0)];
        let found = measured(&systems, |_, runs| {
            for (run, mib) in runs.iter_mut().zip([300, 200, 100]) {
                run.peak_kib = mib * 1024;
            }
        });
        assert_eq!(
            found,
            [("W4 of the best peer".into(), 0.5, true), ("W4: peak memory of the best peer's".into(), 1.5, false)]
        );
    }

    #[test]
    fn a_curve_grows_from_its_first_value_to_its_last() {
        let systems = [0.0, 32.0, 512.0].map(|_| ("by-old", RAW, Handfast, 0.0));
        let found = measured(&systems, |cases, runs| {
            for (at, (x, figure)) in [(0.0, 10.0), (32.0, 50.0), (512.0, 11.0)].into_iter().enumerate() {
                cases[at].x = Some(x);
                runs[at].numbers.insert("figure".into(), figure);
            }
        });
        assert_eq!(found[0].1, 1.1);
    }

    #[test]
    fn gaps_are_in_microseconds() {
        let found = measured(&[("w5", RAW, Handfast, 300.0)], |_, runs| {
            runs[0].numbers.extend([("gap_max_us".to_owned(), 1000.5), ("gap_p9999_us".to_owned(), 999.0)]);
        });
        assert_eq!(found, [("W5: longest gap, us".into(), 1000.5, false), ("W5: gap p99.99, us".into(), 999.0, true)]);
    }
}
