//! An inverted index of all text files in a folder, built by several threads on one heap, together with a C plug-in.
//!
//! `cargo run --release --example index -- [DIR]` (`--help` lists the options)
//!
//! The shared objects are the index: a hash table without a lock (`table.rs`), its words and their postings
//! (`posting.rs`). Each thread counts the words of a file in private objects first (`tally.rs`, `index.rs`). The plug-in
//! (`plugin.c`, `plugin.rs`) holds the most frequent words by counted references to their `PyObject`s. In the end the
//! index is dropped and the heap collected; what is printed are the words that live on only because C holds them.

#![deny(unsafe_code)]

mod files;
mod index;
mod options;
mod plugin;
mod posting;
mod report;
mod table;
mod tally;
mod words;

use files::Files;
use handfast::{Error, Global, Heap, Mutator};
use index::{Done, Work};
use options::Options;
use plugin::Plugin;
use posting::Word;
use report::{Progress, Top};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use table::Table;

fn main() -> ExitCode {
    let result = Options::parse(std::env::args_os().skip(1)).and_then(|options| match options {
        Some(options) => run(&options),
        None => io::stdout().write_all(options::HELP.as_bytes()).map_err(|error| error.to_string()),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(io::stderr(), "index: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let mut files = Files::find(&options.root, options.all)?;
    if u32::try_from(files.paths.len()).is_err() {
        return Err(format!("{} files are too many to number", files.paths.len()));
    }
    let heap = Heap::new(options.config.clone()).map_err(|error| explain(&error))?;
    let plugin = Plugin::load(options.top)?;
    let mut mutator = heap.attach().map_err(|error| explain(&error))?;

    let table = mutator.scope(|s| Table::new(s).and_then(|table| Global::new(s, table)));
    let table = table.map_err(|error| explain(&error))?;
    let mut progress = Progress::new();
    let done = build(&mut mutator, &table, options, &files, &plugin, &mut progress);
    let time = progress.end();
    let mut done = done.map_err(|error| explain(&error))?;
    files.unreadable.merge(std::mem::take(&mut done.unreadable));

    let different = check(&mut mutator, &table, &done)?;
    mutator.scope(|s| s.collect_full());
    let full = heap.stats();
    if options.verify {
        mutator.scope(|s| s.verify()).map_err(|error| explain(&error))?;
    }
    // From here on only the plug-in holds words.
    drop(table);
    mutator.scope(|s| s.collect_full());
    let end = heap.stats();
    if options.verify {
        mutator.scope(|s| s.verify()).map_err(|error| explain(&error))?;
    }
    let top = take(&mut mutator, &plugin)?;
    drop(mutator);
    print(&files, &done, &top, |out| {
        report::input(out, &files, &done, different, options.threads, time)?;
        report::heap(out, &full, &end)
    })
}

/// Has all files indexed by `options.threads` threads.
fn build(
    mutator: &mut Mutator,
    table: &Global<Table>,
    options: &Options,
    files: &Files,
    plugin: &Plugin,
    progress: &mut Progress,
) -> Result<Done, Error> {
    let heap = mutator.heap();
    let work = Work::new(&files.paths, plugin);
    let (sender, receiver) = mpsc::channel();
    // This thread waits in native state, so that no collection waits for it.
    mutator.native(|| {
        thread::scope(|threads| {
            for _ in 0..options.threads {
                let (heap, work, sender) = (&heap, &work, sender.clone());
                threads.spawn(move || {
                    let done = heap.attach().and_then(|mut mutator| work.run(&mut mutator, table));
                    // The receiver lives until all senders are gone.
                    let _ = sender.send(done);
                });
            }
            drop(sender);
            let mut all = Ok(Done::default());
            loop {
                match receiver.recv_timeout(progress.wait()) {
                    Ok(done) => {
                        all = all.and_then(|mut all: Done| {
                            all.merge(done?);
                            Ok(all)
                        });
                    }
                    Err(RecvTimeoutError::Timeout) => progress.show(&work, files),
                    Err(RecvTimeoutError::Disconnected) => return all,
                }
            }
        })
    })
}

/// Walks the whole index and checks it against what the threads say they have put into it; the number of words.
fn check(mutator: &mut Mutator, table: &Global<Table>, done: &Done) -> Result<u64, String> {
    let (mut different, mut words, mut postings) = (0, 0, 0);
    mutator.scope(|s| {
        let at = s.var();
        while let Some((entry, word)) = table::next_word(table.get(s), at.get(s)) {
            different += 1;
            words += word.count();
            postings += posting::check(word)?;
            at.set(s, entry);
            if different % 1024 == 0 {
                s.safepoint();
            }
        }
        let len = table.get(s).len() as u64;
        if (different, words, postings) == (len, done.words, done.postings) {
            return Ok(different);
        }
        Err(format!(
            "the index is wrong: {different} words, counts of {words}, {postings} postings; {len}, {}, {} were put in",
            done.words, done.postings
        ))
    })
}

/// Takes the most frequent words back from the plug-in.
fn take(mutator: &mut Mutator, plugin: &Plugin) -> Result<Vec<Top>, String> {
    mutator.scope(|s| {
        let kept = plugin.take(s);
        let top = kept.iter().map(|(ob, count)| {
            let word = s.to_obj::<Word>(ob).ok_or("a word that C holds is not linked")?;
            let files = posting::check(word)?;
            if word.count() != *count {
                return Err(format!("C knows a count of {count}, the index of {}", word.count()));
            }
            Ok(Top { text: Word::bytes(word).to_vec(), count: *count, files })
        });
        top.collect()
    })
}

fn print(
    files: &Files,
    done: &Done,
    top: &[Top],
    rest: impl FnOnce(&mut io::BufWriter<io::StdoutLock<'_>>) -> io::Result<()>,
) -> Result<(), String> {
    let unreadable = &files.unreadable;
    if let Some(first) = &unreadable.first {
        let _ = writeln!(io::stderr(), "{} files or folders cannot be read; the first: {first}", unreadable.count);
    }
    if done.files == 0 {
        let _ = writeln!(io::stderr(), "there is no text file here");
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    report::words(&mut out, top)
        .and_then(|()| rest(&mut out))
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot write: {error}"))
}

fn explain(error: &Error) -> String {
    match error {
        Error::OutOfMemory { .. } => format!("{error}; --max-heap allows more"),
        _ => error.to_string(),
    }
}
