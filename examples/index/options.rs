//! The command line.

use handfast::Config;
use std::ffi::OsString;
use std::path::PathBuf;
use std::thread;

/// What `--help` prints.
pub const HELP: &str = "\
Builds an inverted index of the text files in a folder, and prints its most frequent words.

usage: cargo run --release --example index -- [OPTIONS] [DIR]

DIR                the folder (default: the repository)
--threads N        threads that read and index (default: one for each core)
--top N            words to print (default 20)
--max-heap MB      the most memory that objects may take (default: three quarters of the machine's)
--nursery KB       the nursery of each thread, of one size (default: 1024 at first, and as much as survivors suggest: up to
                   64 times that, but no more than a quarter of the heap)
--gc-threads N     threads that mark; 0: the indexing threads collect when memory is out (default 1)
--all              enter .git and folders that are tagged as caches (CACHEDIR.TAG), too
--verify           check the whole heap at the end
";

/// What was asked for.
#[derive(Debug)]
pub struct Options {
    pub root: PathBuf,
    pub threads: usize,
    pub top: usize,
    pub all: bool,
    pub verify: bool,
    pub config: Config,
}

impl Options {
    /// From the arguments, without the program's name; `None`: help was asked for.
    ///
    /// # Errors
    /// A message for the user.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, String> {
        let mut options = Options {
            root: PathBuf::new(),
            threads: thread::available_parallelism().map_or(1, usize::from),
            top: 20,
            all: false,
            verify: false,
            config: Config::default(),
        };
        let mut root = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let text = argument.to_string_lossy().into_owned();
            let (name, value) = match text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
                _ => (text, None),
            };
            let mut number = |least: usize, most: usize| {
                let value =
                    value.clone().or_else(|| arguments.next().map(|value| value.to_string_lossy().into_owned()));
                let value = value.ok_or_else(|| format!("{name} needs a number"))?;
                match value.parse() {
                    Ok(number) if (least..=most).contains(&number) => Ok(number),
                    _ => Err(format!("{name} needs a number from {least} to {most}, not \"{value}\"")),
                }
            };
            match name.as_str() {
                "--threads" => options.threads = number(1, 1024)?,
                "--top" => options.top = number(1, 1_000_000)?,
                "--max-heap" => options.config.max_heap_bytes = number(4, 16 << 20)? << 20,
                "--nursery" => {
                    options.config.nursery_bytes = number(128, 256 << 10)? << 10;
                    options.config.max_nursery_bytes = options.config.nursery_bytes;
                }
                "--gc-threads" => options.config.gc_threads = number(0, 64)? as u32,
                "--all" => options.all = true,
                "--verify" => options.verify = true,
                "-h" | "--help" => return Ok(None),
                _ if name.starts_with('-') => return Err(format!("unknown option {name}; --help lists them")),
                _ if root.is_some() => return Err("more than one folder is given".into()),
                _ => root = Some(PathBuf::from(argument)),
            }
        }
        options.root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        Ok(Some(options))
    }
}
