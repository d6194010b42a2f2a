//! Replays the recorded test suite of a rung, and counts what is left of it afterwards.

use super::rungs::{self, Rung};
use handfast_cpyext::{Runtime, eval};
use handfast_cpyext_replay::owned::Owned;
use handfast_cpyext_replay::{Host, Replayer, Report, driver};
use std::cell::RefCell;
use std::fs::File;
use std::io::BufReader;

/// Replays before what is left is counted: names and modules stay.
const WARM: usize = 2;

/// Where a replay's modules come from. Those of a former replay are used again: a module stays for ever.
struct Loader<'a> {
    rung: &'a Rung,
    loaded: RefCell<Vec<Owned>>,
}

impl Host for Loader<'_> {
    fn load(&self, module: &str, load: usize) -> Result<Owned, String> {
        let mut loaded = self.loaded.borrow_mut();
        while loaded.len() <= load {
            // Threads share the first one, as an import does.
            let made = match eval::module(module) {
                Ok(made) if loaded.is_empty() => made,
                _ => super::load_module(&self.rung.library(), module)?,
            };
            // SAFETY: [X1] the object is alive, and this thread has entered the runtime.
            let made = unsafe { Owned::from_borrowed(made.ob().cast()) };
            loaded.push(made.map_err(|raised| raised.message)?);
        }
        Ok(loaded[load].clone())
    }

    fn between(&self) {
        handfast_cpyext::turn();
    }
}

/// How a rung is replayed.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// On so many threads at once, at the end.
    pub threads: usize,
    /// So many lines of the recording, from the first.
    pub lines: usize,
}

impl Default for How {
    /// All of it, on one thread.
    fn default() -> How {
        How { threads: 1, lines: usize::MAX }
    }
}

fn replay(host: &Loader<'_>, lines: usize) -> Result<Report, String> {
    let path = host.rung.recording();
    let recording = File::open(&path)
        .map_err(|error| format!("{}: {error} (cpyext/record/record.sh makes the recordings)", path.display()))?;
    // SAFETY: [X1] the thread has entered the runtime, and stays.
    unsafe { Replayer::new(host) }.run_first(BufReader::new(recording), lines).map_err(|error| error.to_string())
}

/// `PyObject`s with a link, and without.
fn left(runtime: &Runtime) -> (u64, u64) {
    runtime.collect();
    let stats = runtime.heap().stats();
    (stats.links, stats.c_only)
}

/// Replays a rung.
pub fn run(name: &str, how: How) -> Result<(), String> {
    let rung = rungs::find(name)?;
    let entered = super::start()?;
    let runtime = Runtime::get().expect("started");
    rung.prepare()?;
    let host = Loader { rung: &rung, loaded: RefCell::default() };
    let report = replay(&host, how.lines)?;
    println!("{name}: {report}");
    let mut good = report.different == 0 && report.equal > 0 && report.percent_equal() >= 95.0;
    for _ in 1..WARM {
        replay(&host, how.lines)?;
    }
    let before = left(runtime);
    replay(&host, how.lines)?;
    let after = left(runtime);
    println!(
        "  links: {} before a replay, {} after it; objects that C alone has: {}, {}",
        before.0, after.0, before.1, after.1
    );
    // What the extension itself loses is C's own for ever; part of a recording may have part of it.
    let lost = if how.lines == usize::MAX { rung.loses..=rung.loses } else { 0..=rung.loses };
    good &= after.0 == before.0 && after.1 >= before.1 && lost.contains(&(after.1 - before.1));
    let module = super::load_module(&rung.library(), &rung.module)?;
    // SAFETY: [X1] the object is alive, and this thread has entered the runtime.
    let module = unsafe { Owned::from_borrowed(module.ob().cast()) }.map_err(|raised| raised.message)?;
    for (title, finding) in driver::run(&rung.module, &module) {
        match finding {
            Ok(()) => println!("  {title}: as on CPython"),
            Err(what) => {
                good = false;
                println!("  {title}: {what}");
            }
        }
    }
    drop((module, host));
    if how.threads > 1 {
        drop(entered);
        good &= at_once(&rung, how)?;
    }
    if good { Ok(()) } else { Err(format!("{name} is not replayed as it should be")) }
}

fn at_once(rung: &Rung, how: How) -> Result<bool, String> {
    let runtime = Runtime::get().expect("started");
    let reports: Vec<Result<Report, String>> = std::thread::scope(|scope| {
        let run = || {
            let _entered = runtime.enter().map_err(|error| error.to_string())?;
            replay(&Loader { rung, loaded: RefCell::default() }, how.lines)
        };
        let threads: Vec<_> = (0..how.threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a replay does not panic")).collect()
    });
    let mut good = true;
    for report in reports {
        let report = report?;
        good &= report.different == 0 && report.equal > 0;
        println!("  one of {} threads: {report}", how.threads);
    }
    Ok(good)
}
