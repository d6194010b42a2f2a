//! What the program does, one file for each of its jobs.

pub mod bench;
pub mod list;
pub mod markupsafe;
pub mod replay;
pub mod rows;
pub mod rungs;

use handfast::Config;
use handfast_cpyext::{Entered, Own, Runtime, eval};
use std::path::Path;

/// Starts the runtime of this process. Where every allocation collects, cycles run back to back as well.
pub fn start() -> Result<Entered, String> {
    // What crosses for a call dies at once: a nursery that has grown while much survived would only be out of the caches.
    let usual = Config { max_nursery_bytes: 2 << 20, ..Config::default() };
    let config = if cfg!(gc_zeal) { Config { min_trigger_bytes: 1, growth_percent: 10, ..usual } } else { usual };
    Runtime::start(&config).map_err(|error| error.to_string())
}

/// Loads an extension.
pub fn load_module(file: &Path, module: &str) -> Result<Own, String> {
    // SAFETY: [X1] the user says that the file is a C extension.
    unsafe { handfast_cpyext::load(file, module) }.map_err(|error| error.to_string())
}

/// Loads an extension and says what it is.
pub fn load(file: &Path, module: &str) -> Result<(), String> {
    let _entered = start()?;
    println!("{}", eval::str_of(&load_module(file, module)?));
    Ok(())
}
