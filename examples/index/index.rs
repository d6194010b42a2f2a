//! Building the index: what each thread does with each file.
//!
//! A file is read in pieces, in native state, so that no collection waits for the disk. Its words are counted in a table of
//! the thread's own ([`Tally`]) and then moved to the shared table: one look-up and one posting for each different word. A
//! file that cannot be read to its end leaves no trace.

use crate::files::Unreadable;
use crate::plugin::Plugin;
use crate::posting::{Posting, add_posting};
use crate::table::{self, Table};
use crate::tally::Tally;
use crate::words::Splitter;
use handfast::{Error, Global, Mutator, Scope};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Bytes read at once.
const PIECE: usize = 64 << 10;
/// A file with a zero byte among so many at its start is not text.
const PROBE: usize = 8 << 10;

/// What the threads share besides the heap.
#[derive(Debug)]
pub struct Work<'a> {
    paths: &'a [PathBuf],
    plugin: &'a Plugin,
    /// The next file to take.
    next: AtomicUsize,
    /// A thread has failed: the others stop too.
    failed: AtomicBool,
    /// Files and bytes done, for the progress line.
    pub files: AtomicUsize,
    pub bytes: AtomicU64,
}

/// What one thread has done.
#[derive(Debug, Default)]
pub struct Done {
    pub files: u64,
    pub bytes: u64,
    pub words: u64,
    pub postings: u64,
    pub binary: u64,
    pub unreadable: Unreadable,
}

impl Done {
    /// Adds what another thread has done.
    pub fn merge(&mut self, other: Done) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.words += other.words;
        self.postings += other.postings;
        self.binary += other.binary;
        self.unreadable.merge(other.unreadable);
    }
}

/// How reading a file ended.
enum Outcome {
    Text { bytes: u64 },
    Binary,
    Unreadable(io::Error),
}

impl<'a> Work<'a> {
    /// All of these files.
    pub fn new(paths: &'a [PathBuf], plugin: &'a Plugin) -> Work<'a> {
        Work {
            paths,
            plugin,
            next: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            files: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Takes file after file until none is left.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn run(&self, mutator: &mut Mutator, table: &Global<Table>) -> Result<Done, Error> {
        let mut done = Done::default();
        let mut buffer = vec![0; PIECE];
        while !self.failed.load(Relaxed) {
            let number = self.next.fetch_add(1, Relaxed);
            let Some(path) = self.paths.get(number) else { break };
            let result = mutator.scope(|s| self.index_file(s, table, number as u32, path, &mut buffer, &mut done));
            if result.is_err() {
                self.failed.store(true, Relaxed);
            }
            result?;
            self.files.fetch_add(1, Relaxed);
        }
        Ok(done)
    }

    fn index_file(
        &self,
        s: &mut Scope<'_>,
        table: &Global<Table>,
        file: u32,
        path: &Path,
        buffer: &mut [u8],
        done: &mut Done,
    ) -> Result<(), Error> {
        let mut tally = Tally::new(s)?;
        match self.count_words(s, path, buffer, &mut tally)? {
            Outcome::Binary => done.binary += 1,
            Outcome::Unreadable(error) => done.unreadable.add(path, &error),
            Outcome::Text { bytes } => {
                done.files += 1;
                done.bytes += bytes;
                done.words += tally.total();
                tally.for_each(s, |t, hash, text, count| {
                    done.postings += 1;
                    let table = t.root(table.get(t));
                    let word = table::find_or_insert(t, table, hash, text)?;
                    let posting = Posting { file, count: u32::try_from(count).unwrap_or(u32::MAX) };
                    add_posting(t, word, posting)?;
                    let total = word.get(t).add(u64::from(posting.count));
                    self.plugin.offer(t, word, total)
                })?;
            }
        }
        Ok(())
    }

    fn count_words(
        &self,
        s: &mut Scope<'_>,
        path: &Path,
        buffer: &mut [u8],
        tally: &mut Tally<'_>,
    ) -> Result<Outcome, Error> {
        let mut splitter = Splitter::new();
        let mut bytes = 0;
        let mut file = match s.native(|| File::open(path)) {
            Ok(file) => file,
            Err(error) => return Ok(Outcome::Unreadable(error)),
        };
        loop {
            let piece = match s.native(|| fill(&mut file, buffer)) {
                Ok(len) => &buffer[..len],
                Err(error) => return Ok(Outcome::Unreadable(error)),
            };
            if bytes == 0 && piece[..piece.len().min(PROBE)].contains(&0) {
                return Ok(Outcome::Binary);
            }
            splitter.feed(piece, |word| tally.count(s, word))?;
            bytes += piece.len() as u64;
            self.bytes.fetch_add(piece.len() as u64, Relaxed);
            if piece.len() < buffer.len() {
                splitter.finish(|word| tally.count(s, word))?;
                return Ok(Outcome::Text { bytes });
            }
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match file.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}
