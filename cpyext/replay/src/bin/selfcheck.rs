//! Replays recordings against CPython itself: every recorded call must be equal, or recorder or replayer are wrong.
//!
//! ```text
//! selfcheck FOLDER MODULE RECORDING [LEAKS]
//! ```
//! FOLDER is put first in CPython's path; MODULE is loaded from there. The recording is replayed on one thread, several
//! times: CPython's count of allocated blocks must grow by LEAKS a time, which the extension itself loses, for the replay
//! loses nothing. Then it is replayed on four threads at once, which take turns between the calls. Last, what recordings
//! cannot say: the module's `driver` programs. The report goes to standard error: modules may print.

use handfast_cpyext_replay::api::{Ob, Size};
use handfast_cpyext_replay::owned::{Owned, text};
use handfast_cpyext_replay::{Host, Replayer, Report, driver};
use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};
use std::fs::File;
use std::io::{self, BufReader};
use std::process::ExitCode;

unsafe extern "C" {
    fn Py_InitializeEx(signals: c_int);
    fn Py_FinalizeEx() -> c_int;
    fn PyRun_SimpleString(command: *const c_char) -> c_int;
    fn PyImport_ImportModule(name: *const c_char) -> Ob;
    fn PyGC_Collect() -> Size;
    fn PyType_ClearCache() -> u32;
    fn _Py_GetAllocatedBlocks() -> Size;
    fn PyGILState_Ensure() -> c_int;
    fn PyGILState_Release(state: c_int);
    fn PyEval_SaveThread() -> *mut c_void;
    fn PyEval_RestoreThread(thread: *mut c_void);
}

/// Replays before the count of blocks is looked at: caches fill.
const WARM: usize = 3;
/// Threads that replay at once.
const THREADS: usize = 4;

/// CPython, with the module loaded as its import system does.
#[derive(Default)]
struct CPython {
    /// Modules of a former round are used again: single-phase ones can be loaded once.
    loaded: RefCell<Vec<Owned>>,
    turns: bool,
}

impl Host for CPython {
    fn load(&self, module: &str, load: usize) -> Result<Owned, String> {
        let mut loaded = self.loaded.borrow_mut();
        if loaded.len() <= load {
            let forget = text(&format!("import sys; sys.modules.pop({module:?}, None)"));
            if load > 0 {
                // SAFETY: [P3]
                unsafe { PyRun_SimpleString(forget.as_ptr()) };
            }
            let name = text(module);
            // SAFETY: [P3] the interpreter runs on this thread.
            let module = unsafe { Owned::new(PyImport_ImportModule(name.as_ptr())) };
            loaded.push(module.map_err(|raised| format!("{}: {}", raised.kind, raised.message))?);
        }
        Ok(loaded[load].clone())
    }

    fn between(&self) {
        if self.turns {
            // SAFETY: [P4] gives the lock away and takes it back; the thread has it, and no reference of its own is on the
            // way.
            unsafe { PyEval_RestoreThread(PyEval_SaveThread()) };
        }
    }
}

fn replay(host: &CPython, path: &str) -> io::Result<Report> {
    // SAFETY: [P4] the callers' threads have CPython's lock.
    unsafe { Replayer::new(host) }.run(BufReader::new(File::open(path)?))
}

/// Blocks that CPython has allocated, apart from its caches.
fn blocks() -> isize {
    // SAFETY: [P4] the main thread has CPython's lock.
    unsafe { PyGC_Collect() };
    // SAFETY: [P4] as above. The cache holds the names of attributes that were looked up last.
    unsafe { PyType_ClearCache() };
    // SAFETY: [P4] as above.
    unsafe { _Py_GetAllocatedBlocks() }
}

fn one_thread(path: &str, leaks: isize) -> io::Result<bool> {
    let host = CPython::default();
    let report = replay(&host, path)?;
    eprint!("{report}");
    for _ in 1..WARM {
        replay(&host, path)?;
    }
    let before = blocks();
    replay(&host, path)?;
    let lost = blocks() - before;
    if lost != leaks {
        eprintln!("  {lost} blocks are lost in a replay, {leaks} by the extension");
    }
    Ok(report.different == 0 && report.equal > 0 && lost == leaks)
}

fn four_threads(path: &str) -> io::Result<bool> {
    // SAFETY: [P4] the main thread gives CPython's lock to the others, until they have ended.
    let main = unsafe { PyEval_SaveThread() };
    let reports: Vec<io::Result<Report>> = std::thread::scope(|scope| {
        let run = || {
            // SAFETY: [P4] attaches the thread and takes the lock.
            let state = unsafe { PyGILState_Ensure() };
            let report = replay(&CPython { turns: true, ..CPython::default() }, path);
            // SAFETY: [P4] as it was taken; everything of the replay's is dropped.
            unsafe { PyGILState_Release(state) };
            report
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a replay does not panic")).collect()
    });
    // SAFETY: [P4] what was given away above.
    unsafe { PyEval_RestoreThread(main) };
    let mut good = true;
    for report in reports {
        let report = report?;
        if report.different > 0 {
            eprintln!("  with {THREADS} threads: {report}");
        }
        good &= report.different == 0 && report.equal > 0;
    }
    Ok(good)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, module, recording, leaks) = match args.as_slice() {
        [folder, module, recording] => (folder, module, recording, 0),
        [folder, module, recording, leaks] => (folder, module, recording, leaks.parse().unwrap_or(0)),
        _ => {
            eprintln!("usage: selfcheck FOLDER MODULE RECORDING [LEAKS]");
            return ExitCode::from(2);
        }
    };
    let path = text(&format!("import sys, warnings; sys.path.insert(0, {folder:?}); warnings.simplefilter('ignore')"));
    // SAFETY: [P4] once, on the main thread, before anything else of CPython's.
    unsafe { Py_InitializeEx(0) };
    // SAFETY: [P3]
    unsafe { PyRun_SimpleString(path.as_ptr()) };
    let single = one_thread(recording, leaks);
    let many = four_threads(recording);
    let host = CPython::default();
    let driven = host.load(module, 0).map(|loaded| driver::run(module, &loaded));
    drop(host);
    let good = match (single, many, driven) {
        (Ok(single), Ok(many), Ok(driven)) => {
            for (name, what) in driven.iter().filter_map(|(name, result)| Some((name, result.as_ref().err()?))) {
                eprintln!("  driver {name}: {what}");
            }
            eprintln!("  {} drivers ran", driven.len());
            single && many && driven.iter().all(|(_, result)| result.is_ok())
        }
        (single, many, driven) => {
            let errors = [single.err(), many.err()].into_iter().flatten().map(|error| error.to_string());
            errors.chain(driven.err()).for_each(|error| eprintln!("{recording}: {error}"));
            false
        }
    };
    // SAFETY: [P4] nothing of CPython's is used after it.
    unsafe { Py_FinalizeEx() };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
