//! Loads unmodified C extensions and runs them.
//!
//! ```text
//! handfast-cpyext markupsafe FILE.html       escapes a page through MarkupSafe's C extension
//! handfast-cpyext list                       the rungs, and how far each comes
//! handfast-cpyext replay RUNG [THREADS]      replays the recorded test suite of a rung
//! handfast-cpyext load FILE.so MODULE        loads any extension
//! handfast-cpyext bench [ROUNDS]             what crossings cost here, on CPython and on PyPy
//! handfast-cpyext rows FILE.so               the same here, once: FILE is the extension `crossings`
//! ```
//! `cpyext/rungs/fetch.sh` and `cpyext/rungs/build.sh cpyext/include:ffi/include target/cpyext/handfast` make the
//! extensions; `cpyext/record/record.sh` the recordings.

mod host;

use std::process::ExitCode;

const USAGE: &str = "\
usage: handfast-cpyext markupsafe FILE.html     escapes a page through MarkupSafe's C extension
       handfast-cpyext list                     the rungs, and how far each comes
       handfast-cpyext replay RUNG [THREADS]    replays the recorded test suite of a rung
       handfast-cpyext load FILE.so MODULE      loads any extension
       handfast-cpyext bench [ROUNDS]           what crossings cost here, on CPython and on PyPy
       handfast-cpyext rows FILE.so             the same here, once: FILE is the extension `crossings`";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["markupsafe", file] => host::markupsafe::run(file.as_ref()),
        ["list"] => host::list::run(),
        ["replay", rung] => host::replay::run(rung, 1),
        ["replay", rung, threads] => match threads.parse() {
            Ok(threads) => host::replay::run(rung, threads),
            Err(_) => Err(format!("{threads} is no number of threads")),
        },
        ["load", file, module] => host::load(file.as_ref(), module),
        ["bench"] => host::bench::run(host::bench::ROUNDS),
        ["bench", rounds] => match rounds.parse() {
            Ok(rounds) if rounds > 0 => host::bench::run(rounds),
            _ => Err(format!("{rounds} is no number of rounds")),
        },
        ["rows", file] => host::rows::run(file.as_ref()),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("handfast-cpyext: {why}");
            ExitCode::FAILURE
        }
    }
}
