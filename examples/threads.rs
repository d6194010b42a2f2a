//! Threads that share one table of the heap: each puts its own objects in and reads what the others have put.
//!
//! `cargo run --release --example threads -- [THREADS]` (default 4)

use handfast::{Array, Config, Data, Error, Field, Global, Heap, Mutator, Trace};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What the threads put into the table.
#[derive(Trace)]
struct Entry {
    thread: u64,
    round: u64,
    text: Field<Data<u8>>,
}

/// The shared object: a table, and a counter, which like all that changes in a shared object is a field or an atomic.
#[derive(Trace)]
struct Shared {
    entries: Field<Array<Entry>>,
    stored: AtomicU64,
}

const SLOTS: usize = 1024;
const ROUNDS: u64 = 100_000;

/// Stores `ROUNDS` entries, and checks each that it finds in its place. The number of entries seen from other threads.
fn work(mutator: &mut Mutator, shared: &Global<Shared>, thread: u64) -> Result<u64, Error> {
    let mut others = 0;
    for round in 0..ROUNDS {
        others += mutator.scope(|s| {
            let text = s.alloc_bytes(format!("{thread}:{round}").as_bytes())?;
            let entry = s.alloc(Entry { thread, round, text: Field::null() })?;
            s.set(entry, |e| &e.text, text);

            let shared = shared.get(s);
            let table = shared.get(|t| &t.entries).expect("set before the threads start");
            let slot = (round * 31 + thread * 7) as usize % SLOTS;
            let mut foreign = 0;
            if let Some(found) = table.item(slot) {
                let text = found.get(|e| &e.text).and_then(|text| text.as_str());
                assert_eq!(text, Some(format!("{}:{}", found.thread, found.round).as_str()));
                foreign = u64::from(found.thread != thread);
            }
            s.set_item(table, slot, entry); // publishes the entry and its text
            shared.stored.fetch_add(1, Ordering::Relaxed);
            Ok::<u64, Error>(foreign)
        })?;
    }
    Ok(others)
}

fn main() -> Result<(), Error> {
    let count = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(4_u64).clamp(1, 64);
    let heap = Heap::new(Config::default())?;
    let mut mutator = heap.attach()?;
    let shared = mutator.scope(|s| {
        let entries = s.alloc_array(SLOTS)?;
        let shared = s.alloc(Shared { entries: Field::null(), stored: AtomicU64::new(0) })?;
        s.set(shared, |t| &t.entries, entries);
        Global::new(s, shared)
    })?;

    // This thread waits for the others in native state, so that no collection waits for it.
    let seen = mutator.native(|| {
        thread::scope(|threads| {
            let workers: Vec<_> = (0..count)
                .map(|number| {
                    let (heap, shared) = (&heap, &shared);
                    threads.spawn(move || work(&mut heap.attach()?, shared, number))
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().expect("a worker panicked")).collect::<Result<Vec<_>, _>>()
        })
    })?;

    let stored = mutator.scope(|s| shared.get(s).stored.load(Ordering::Relaxed));
    assert_eq!(stored, count * ROUNDS);
    println!("{count} threads stored {stored} entries and met {} of each other", seen.iter().sum::<u64>());
    let stats = heap.stats();
    println!(
        "{} minor collections, {} cycles, {} objects published",
        stats.minor_collections, stats.cycles, stats.published_objects
    );
    Ok(())
}
