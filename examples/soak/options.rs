//! The command line.

use std::time::Duration;

/// What `--help` prints.
pub const HELP: &str = "\
Threads use heaps in every way for SECONDS, and check all that they read against what it must be.
Ends with 0 only if nothing differed and resident memory stayed flat.

usage: cargo run --release --example soak -- [OPTIONS] SECONDS

SECONDS            how long, 1 to 1,000,000
--threads N        threads that share one heap, 1 to 64 (default 3); two more use heaps of their own
--every N          seconds between two lines (default: a twentieth of the time, at least 1)
--seed N           of the pseudo-random choices (default 1)
";

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub time: Duration,
    pub threads: u64,
    pub every: Duration,
    pub seed: u64,
}

impl Options {
    /// From the arguments, without the program's name; `None`: help was asked for.
    ///
    /// # Errors
    /// A message for the user.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Options>, String> {
        let (mut seconds, mut threads, mut every, mut seed) = (None, 3, None, 1);
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = |least: u64, most: u64| {
                let text = arguments.next().ok_or_else(|| format!("{name} needs a number"))?;
                number(&name, &text, least, most)
            };
            match name.as_str() {
                "-h" | "--help" => return Ok(None),
                "--threads" => threads = value(1, 64)?,
                "--every" => every = Some(value(1, 1_000_000)?),
                "--seed" => seed = value(0, u64::MAX)?,
                _ if name.starts_with('-') => return Err(format!("unknown option {name}; --help lists them")),
                _ if seconds.is_some() => return Err(format!("SECONDS was given already: what is \"{name}\"?")),
                _ => seconds = Some(number("SECONDS", &name, 1, 1_000_000)?),
            }
        }
        let seconds = seconds.ok_or("SECONDS is missing; --help says more")?;
        let every = Duration::from_secs(every.unwrap_or((seconds / 20).max(1)));
        Ok(Some(Options { time: Duration::from_secs(seconds), threads, every, seed }))
    }
}

fn number(name: &str, text: &str, least: u64, most: u64) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{name} is a number from {least} to {most}, not \"{text}\"")),
    }
}
