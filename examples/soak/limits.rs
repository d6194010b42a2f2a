//! Threads with heaps of their own: one that runs out of memory again and again, and one that makes and closes heaps.

use crate::tree::{self, Node, Seed, mix};
use handfast::{Array, Config, Error, Global, Heap, LinkFlags, Scope};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

/// How often memory ran out, and how many heaps came and went.
pub static OUT_OF_MEMORY: AtomicU64 = AtomicU64::new(0);
/// Heaps that were closed.
pub static HEAPS: AtomicU64 = AtomicU64::new(0);

/// Slots that are filled until memory is out.
const SLOTS: usize = 1 << 16;
const LIMIT: usize = 16 << 20;

fn seed(round: u64, i: usize) -> Seed {
    Seed { number: mix(round << 20 | i as u64), depth: 3 }
}

/// Fills a small heap until memory is out; what is there is intact, and with half of it gone there is room again.
pub fn run_out(stop: &AtomicBool) -> Result<(), Error> {
    for gc_threads in (0..2).cycle() {
        let config = Config { max_heap_bytes: LIMIT, gc_threads, nursery_bytes: 256 << 10, ..Config::default() };
        let heap = Heap::new(config)?;
        let mut mutator = heap.attach()?;
        for round in 0..8 {
            if stop.load(Relaxed) {
                return Ok(());
            }
            mutator.scope(|s| {
                let table = s.alloc_array::<Node>(SLOTS)?;
                let fill = |s: &mut Scope<'_>, from: usize, round: u64| {
                    for i in from..SLOTS {
                        match s.scope(|s| tree::build(s, seed(round, i)).map(|node| s.set_item(table, i, node))) {
                            Ok(()) => {}
                            Err(Error::OutOfMemory { .. }) => return Ok(i),
                            Err(error) => return Err(error),
                        }
                    }
                    panic!("{SLOTS} trees fit into {LIMIT} bytes");
                };
                let full = fill(s, 0, round)?;
                OUT_OF_MEMORY.fetch_add(1, Relaxed);
                assert!(full > 1000, "memory was out after {full} trees");
                for i in full / 2..full {
                    s.clear_item(table, i);
                }
                let again = fill(s, full / 2, round + 100)?;
                OUT_OF_MEMORY.fetch_add(1, Relaxed);
                assert!(again > full / 2 + 100, "{again} trees fit where {full} were");
                for i in 0..again {
                    let node = s.item(table, i).expect("a tree");
                    tree::verify(node, seed(if i < full / 2 { round } else { round + 100 }, i));
                }
                s.verify().map(drop)
            })?;
        }
    }
    Ok(())
}

/// Makes a heap, uses it with two threads and closes it, again and again; what was leaked on purpose is reported.
pub fn come_and_go(stop: &AtomicBool) -> Result<(), Error> {
    let mut round = 0;
    while !stop.load(Relaxed) {
        round += 1;
        let config = Config { max_heap_bytes: 64 << 20, gc_threads: round as u32 % 3, ..Config::default() };
        let heap = Heap::new(config)?;
        let shared = heap.attach()?.scope(|s| s.alloc_array::<Node>(64).and_then(|table| Global::new(s, table)))?;
        thread::scope(|scope| {
            for worker in 0..2 {
                let (heap, shared) = (&heap, &shared);
                scope.spawn(move || {
                    let mut mutator = heap.attach().expect("a heap of our own");
                    mutator.scope(|s| {
                        for i in (worker..64).step_by(2).cycle().take(1000) {
                            s.scope(|s| {
                                let node = tree::build(s, seed(round, i)).expect("a few trees fit");
                                s.set_item(shared.get(s), i, node);
                            });
                            if let Some(node) = s.item(shared.get(s), i ^ 1) {
                                tree::verify(node, seed(round, i ^ 1));
                            }
                        }
                    });
                });
            }
        });
        let leaks = round % 4;
        heap.attach()?.scope(|s| {
            for i in 0..leaks as usize {
                let node = s.item(shared.get(s), i).expect("each was filled");
                let _ = s.handle(node, 32, null_mut(), LinkFlags::LIGHT)?.into_raw();
            }
            s.verify().map(drop)
        })?;
        drop::<Global<Array<Node>>>(shared);
        let report = heap.close()?;
        assert_eq!((report.objects, report.references), (leaks, leaks), "what was leaked on purpose");
        HEAPS.fetch_add(1, Relaxed);
    }
    Ok(())
}
