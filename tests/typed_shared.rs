//! Threads that exchange objects through a shared array read each other's objects whole, while cycles run back to back.

use handfast::{Array, Config, Data, Error, Field, Global, Heap, Mutator, Trace};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

#[derive(Trace)]
struct Entry {
    thread: u64,
    round: u64,
    text: Field<Data<u8>>,
    previous: Field<Entry>,
}

const SLOTS: usize = 64;
const ROUNDS: u64 = 20_000;
const DEPTH: u64 = 4;

/// Puts entries into the array, each with the one it replaces behind it, and checks what it finds there.
fn exchange(mutator: &mut Mutator, table: &Global<Array<Entry>>, thread: u64, met: &AtomicU64) -> Result<(), Error> {
    for round in 0..ROUNDS {
        mutator.scope(|s| {
            let text = s.alloc_bytes(format!("{thread}:{round}").as_bytes())?;
            let entry = s.alloc(Entry { thread, round, text: Field::null(), previous: Field::null() })?;
            s.set(entry, |e| &e.text, text);
            let table = table.get(s);
            let slot = (round * 31 + thread * 7) as usize % SLOTS;
            s.set(entry, |e| &e.previous, table.item(slot));
            s.set_item(table, slot, entry);

            let mut found = table.item((slot + 1) % SLOTS);
            for depth in 0..=DEPTH {
                let Some(entry) = found else { break };
                let text = entry.get(|e| &e.text).and_then(|text| text.as_str());
                assert_eq!(text, Some(format!("{}:{}", entry.thread, entry.round).as_str()));
                met.fetch_add(u64::from(entry.thread != thread), Relaxed);
                found = entry.get(|e| &e.previous);
                if depth == DEPTH {
                    s.clear(entry, |e| &e.previous); // the rest becomes garbage while others may be reading it
                }
            }
            Ok::<(), Error>(())
        })?;
    }
    Ok(())
}

#[test]
fn objects_are_whole_wherever_they_are_met() -> Result<(), Error> {
    for gc_threads in [0, 1] {
        let heap = Heap::new(Config { gc_threads, nursery_bytes: 128 << 10, ..Config::default() })?;
        let mut mutator = heap.attach()?;
        let table = mutator.scope(|s| {
            let table = s.alloc_array(SLOTS)?;
            Global::new(s, table)
        })?;
        let (met, done) = (AtomicU64::new(0), AtomicBool::new(false));
        mutator.native(|| {
            thread::scope(|threads| {
                let collector = threads.spawn(|| {
                    let mut mutator = heap.attach()?;
                    // At least a few, even if the workers are done before this thread gets to run.
                    let mut collections = 0;
                    while !done.load(Relaxed) || collections < 5 {
                        mutator.scope(|s| s.collect_full());
                        collections += 1;
                    }
                    Ok::<(), Error>(())
                });
                let workers: Vec<_> = (0..3)
                    .map(|number| {
                        let (heap, table, met) = (&heap, &table, &met);
                        threads.spawn(move || exchange(&mut heap.attach()?, table, number, met))
                    })
                    .collect();
                let outcomes: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
                done.store(true, Relaxed);
                collector.join().expect("the collecting thread panicked")?;
                outcomes.into_iter().try_for_each(|outcome| outcome.expect("a worker panicked"))
            })
        })?;
        assert!(met.load(Relaxed) > 0, "the threads never met");
        mutator.scope(|s| s.verify()).unwrap();
        let stats = heap.stats();
        assert!(stats.cycles > 3 && stats.minor_collections > 30, "{stats:?}");
    }
    Ok(())
}
