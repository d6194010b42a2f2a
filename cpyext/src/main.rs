//! Loads unmodified C extensions and runs them.
//!
//! ```text
//! handfast-cpyext markupsafe FILE.html       escapes a page through MarkupSafe's C extension
//! handfast-cpyext list                       the rungs, and how far each comes
//! handfast-cpyext replay RUNG [THREADS [LINES]]  replays the recorded test suite of a rung, or its first lines
//! handfast-cpyext load FILE.so MODULE        loads any extension
//! handfast-cpyext bench [ROUNDS]             what crossings cost here, on CPython and on PyPy
//! handfast-cpyext rows FILE.so               the same here, once: FILE is the extension `crossings`
//! ```
//! `cpyext/rungs/fetch.sh` and `cpyext/rungs/build.sh cpyext/include:ffi/include target/cpyext/handfast` make the
//! extensions; `cpyext/record/record.sh` the recordings.

mod host;

use host::replay::How;
use std::process::ExitCode;

const USAGE: &str = "\
usage: handfast-cpyext markupsafe FILE.html     escapes a page through MarkupSafe's C extension
       handfast-cpyext list                     the rungs, and how far each comes
       handfast-cpyext replay RUNG [THREADS [LINES]]
                                                replays the recorded test suite of a rung, or its first lines
       handfast-cpyext load FILE.so MODULE      loads any extension
       handfast-cpyext bench [ROUNDS]           what crossings cost here, on CPython and on PyPy
       handfast-cpyext rows FILE.so             the same here, once: FILE is the extension `crossings`";

fn number(text: &str, of: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&number| number > 0).ok_or_else(|| format!("{text} is no number of {of}"))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["markupsafe", file] => host::markupsafe::run(file.as_ref()),
        ["list"] => host::list::run(),
        ["replay", rung] => host::replay::run(rung, How::default()),
        ["replay", rung, threads] => {
            number(threads, "threads").and_then(|threads| host::replay::run(rung, How { threads, ..How::default() }))
        }
        ["replay", rung, threads, lines] => number(threads, "threads").and_then(|threads| {
            let lines = number(lines, "lines")?;
            host::replay::run(rung, How { threads, lines })
        }),
        ["load", file, module] => host::load(file.as_ref(), module),
        ["bench"] => host::bench::run(host::bench::ROUNDS),
        ["bench", rounds] => number(rounds, "rounds").and_then(host::bench::run),
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
