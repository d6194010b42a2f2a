//! The command line.

use crate::peers::Family;
use std::path::PathBuf;
use std::time::Duration;

/// What `--help` says.
pub const HELP: &str = "\
usage: handfast-bench [WORKLOAD...] [OPTION...]
       handfast-bench ROUNDS [WORKLOAD]

Runs workloads on handfast and on every peer that is installed, each run in a process of its own, all of them in turn,
round after round, and prints medians. WORKLOAD: a name or group that --list shows, a part of a row's name, `rows`,
`curves`, or `all`; none: everything but curves.

  --rounds N         how often (3)
  --leaders RATIO    from the second round on only peers whose first figure is at most RATIO times the best peer's
  --quick            small sizes: whether it works, not how fast it is
  --peers A,B,...    only these families of peers, or `none`
  --build            first build the peers that are written in Rust and not built yet (minutes)
  --json FILE        one object a run, one a line
  --plot DIR         SVGs: bars with spread, pauses, curves
  --config K=V,...   fields of handfast's Config that hold in all workloads: nursery_bytes,
                     max_nursery_bytes, pause_target_us, growth_percent, min_trigger_bytes, gc_threads, reserve_bytes,
                     touch_memory (0, 1)
  --timeout SECONDS  for one run (300)
  --minutes N        begins no run after that time, and prints what there is
  --list             names, and which peers are installed
  --help             this text";

/// What is asked for.
#[derive(Debug, PartialEq)]
pub struct Options {
    pub workloads: Vec<String>,
    pub rounds: usize,
    pub quick: bool,
    /// How far from the best a peer may be to run again.
    pub leaders: Option<f64>,
    /// `None`: all.
    pub peers: Option<Vec<Family>>,
    pub build: bool,
    pub json: Option<PathBuf>,
    pub plot: Option<PathBuf>,
    pub config: Option<String>,
    pub timeout: Duration,
    pub minutes: Option<Duration>,
    pub list: bool,
    pub help: bool,
}

impl Options {
    /// From the words after the program's name.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(words: &[String]) -> Result<Options, String> {
        let mut options = Options {
            workloads: vec![],
            rounds: 3,
            quick: false,
            leaders: None,
            peers: None,
            build: false,
            json: None,
            plot: None,
            config: None,
            timeout: Duration::from_secs(300),
            minutes: None,
            list: false,
            help: false,
        };
        let mut words = words.iter();
        let mut first = true;
        while let Some(word) = words.next() {
            let (name, mut given) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            let mut value =
                |what: &str| given.take().or_else(|| words.next().cloned()).ok_or(format!("{name} needs {what}"));
            match name {
                "--rounds" => options.rounds = rounds(&value("a number")?)?,
                "--leaders" => options.leaders = Some(ratio(&value("a ratio")?)?),
                "--timeout" => options.timeout = seconds(name, &value("a number of seconds")?, 1)?,
                "--minutes" => options.minutes = Some(seconds(name, &value("a number of minutes")?, 60)?),
                "--peers" => options.peers = Some(families(&value("names")?)?),
                "--json" => options.json = Some(value("a file")?.into()),
                "--plot" => options.plot = Some(value("a folder")?.into()),
                "--config" => {
                    let text = value("fields")?;
                    crate::settings::apply(&mut handfast::Config::default(), &text)?;
                    options.config = Some(text);
                }
                "--quick" => options.quick = true,
                "--build" => options.build = true,
                "--list" => options.list = true,
                "--help" | "-h" => options.help = true,
                _ if name.starts_with('-') => return Err(format!("unknown option {name}")),
                _ if first && name.bytes().all(|b| b.is_ascii_digit()) => options.rounds = rounds(name)?,
                _ => options.workloads.push(name.to_owned()),
            }
            if let Some(value) = given {
                return Err(format!("{name} takes no value, but was given {value:?}"));
            }
            first = false;
        }
        Ok(options)
    }
}

fn rounds(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=1000).contains(n)).ok_or(format!("{text} is no number of rounds from 1 to 1000"))
}

fn ratio(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|ratio| *ratio >= 1.0).ok_or(format!("--leaders: {text} is no ratio of at least 1"))
}

fn seconds(name: &str, text: &str, unit: u64) -> Result<Duration, String> {
    let number = text.parse::<u64>().ok().filter(|n| (1..=100_000).contains(n));
    number.map(|n| Duration::from_secs(n * unit)).ok_or(format!("{name}: {text} is no number from 1 to 100000"))
}

fn families(text: &str) -> Result<Vec<Family>, String> {
    if text == "none" {
        return Ok(vec![]);
    }
    text.split(',')
        .map(|name| {
            let known = || Family::ALL.map(Family::name).join(", ");
            Family::ALL
                .into_iter()
                .find(|f| f.name() == name)
                .ok_or(format!("unknown peer {name:?}: {}, or none", known()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn both_forms_of_the_command_line() {
        let new = parse("w2 w3 --rounds 5 --peers jdk,malloc --json=a.json").unwrap();
        assert_eq!((new.rounds, new.workloads.len(), new.json), (5, 2, Some("a.json".into())));
        assert_eq!(new.peers, Some(vec![Family::Jdk, Family::Malloc]));
        let old = parse("7 churn").unwrap();
        assert_eq!((old.rounds, old.workloads), (7, vec!["churn".to_owned()]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, message) in [
            ("--round 3", "unknown option --round"),
            ("--rounds", "--rounds needs a number"),
            ("--rounds 0", "no number of rounds"),
            ("0", "no number of rounds"),
            ("--peers jvm", "unknown peer \"jvm\""),
            ("--quick=yes", "takes no value"),
            ("--timeout soon", "soon is no number"),
            ("--minutes 0", "0 is no number"),
            ("--leaders 0.5", "0.5 is no ratio"),
            ("--config nursery=3", "unknown field"),
            ("--config nursery_bytes=x", "not a number"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(message), "{line}: {error}");
        }
    }
}
