//! Replays recordings against CPython itself: every recorded call must be equal, or recorder or replayer are wrong.
//!
//! ```text
//! selfcheck FOLDER MODULE RECORDING [ROUNDS]
//! ```
//! FOLDER is put first in CPython's path; MODULE is loaded from there. Each round replays the whole recording. After two,
//! CPython's count of allocated blocks must stand still: the replay leaks nothing.

use handfast_cpyext_replay::api::{Ob, Size};
use handfast_cpyext_replay::owned::{Owned, text};
use handfast_cpyext_replay::{Host, Replayer, Report};
use std::cell::RefCell;
use std::ffi::{c_char, c_int};
use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

unsafe extern "C" {
    fn Py_InitializeEx(signals: c_int);
    fn Py_FinalizeEx() -> c_int;
    fn PyRun_SimpleString(command: *const c_char) -> c_int;
    fn PyImport_ImportModule(name: *const c_char) -> Ob;
    fn PyGC_Collect() -> Size;
    fn PyType_ClearCache() -> u32;
    fn _Py_GetAllocatedBlocks() -> Size;
}

/// CPython, with the module loaded as its import system does.
struct CPython {
    /// Modules of a former round are used again: single-phase ones can be loaded once.
    loaded: RefCell<Vec<Owned>>,
}

impl Host for CPython {
    fn load(&self, module: &str, load: usize) -> Result<Owned, String> {
        let mut loaded = self.loaded.borrow_mut();
        if loaded.len() <= load {
            let forget = text(&format!("import sys; sys.modules.pop({module:?}, None)"));
            let name = text(module);
            // SAFETY: [P3]
            unsafe { PyRun_SimpleString(forget.as_ptr()) };
            // SAFETY: [P3] the interpreter runs on this thread.
            let module = unsafe { Owned::new(PyImport_ImportModule(name.as_ptr())) };
            loaded.push(module.map_err(|raised| format!("{}: {}", raised.kind, raised.message))?);
        }
        Ok(loaded[load].clone())
    }
}

fn round(host: &CPython, path: &str) -> std::io::Result<(Report, isize)> {
    // SAFETY: the main thread has CPython's lock from its start to its end.
    let report = unsafe { Replayer::new(host) }.run(BufReader::new(File::open(path)?))?;
    // SAFETY: as above.
    let blocks = unsafe {
        PyGC_Collect();
        // Holds the names of attributes that were looked up last.
        PyType_ClearCache();
        _Py_GetAllocatedBlocks()
    };
    Ok((report, blocks))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, recording, rounds) = match args.as_slice() {
        [folder, _, recording] => (folder, recording, 1),
        [folder, _, recording, rounds] => (folder, recording, rounds.parse().unwrap_or(1)),
        _ => {
            eprintln!("usage: selfcheck FOLDER MODULE RECORDING [ROUNDS]");
            return ExitCode::from(2);
        }
    };
    let path = text(&format!("import sys, warnings; sys.path.insert(0, {folder:?}); warnings.simplefilter('ignore')"));
    // SAFETY: once, on the main thread, before anything else of CPython's.
    unsafe { Py_InitializeEx(0) };
    // SAFETY: [P3]
    unsafe { PyRun_SimpleString(path.as_ptr()) };
    let host = CPython { loaded: RefCell::default() };
    let mut blocks = vec![];
    let mut good = true;
    for _ in 0..rounds {
        match round(&host, recording) {
            Ok((report, count)) => {
                blocks.push(count);
                if blocks.len() == 1 {
                    print!("{recording}: {report}");
                }
                good &= report.different == 0 && report.equal > 0;
            }
            Err(error) => {
                eprintln!("{recording}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    if let [.., before, after] = blocks[..]
        && blocks.len() > 2
        && after > before
    {
        println!("  leak: {} blocks after each round: {blocks:?}", after - before);
        good = false;
    }
    drop(host);
    // SAFETY: nothing of CPython's is used after it.
    unsafe { Py_FinalizeEx() };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
