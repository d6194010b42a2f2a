//! A soak: threads use heaps in every way for a given time, and check everything they read.
//!
//! `cargo run --release --example soak -- [OPTIONS] SECONDS`, or `--help`.
//!
//! Several threads share a heap: trees of their own, a shared table, handles that they send each other, weak references,
//! finalizers, large objects, native phases, collections; each detaches and attaches again now and then. Another thread
//! runs a small heap out of memory, one more makes heaps and closes them. All contents can be computed from a seed
//! (`tree.rs`), so every difference is seen, and the first one ends the program. From time to time the whole heap is
//! verified while they go on.

mod limits;
mod memory;
mod options;
mod tree;
mod worker;

use handfast::{Config, Error, Heap};
use memory::Resident;
use options::{HELP, Options};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use worker::{Worker, World};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("soak: {message}");
            return ExitCode::from(2);
        }
    };
    // The first difference, on whatever thread, ends the program: others would wait for the thread that found it.
    std::panic::set_hook(Box::new(|info| {
        let _ = writeln!(std::io::stderr(), "soak: {info}");
        std::process::exit(1);
    }));
    match soak(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Fails as a panic does: with a message, and the end of the program.
fn must(result: Result<(), Error>) {
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Runs; whether resident memory stayed flat.
fn soak(options: &Options) -> Result<bool, Error> {
    let heap = Heap::new(Config {
        max_heap_bytes: 512 << 20,
        min_trigger_bytes: 8 << 20,
        reserve_bytes: 8 << 20,
        nursery_bytes: 512 << 10,
        ..Config::default()
    })?;
    let world = World::new(heap)?;
    let stop = AtomicBool::new(false);
    let mut resident = Resident::new(options.time);
    thread::scope(|scope| {
        for i in 0..options.threads {
            let worker = Worker::new(&world, options.seed << 8 | i);
            scope.spawn(|| must(worker.run()));
        }
        scope.spawn(|| must(limits::run_out(&stop)));
        scope.spawn(|| must(limits::come_and_go(&stop)));
        watch(options, &world, &mut resident);
        stop.store(true, Relaxed);
        world.stop.store(true, Relaxed);
    });
    report(&world, &resident);
    let stats = world.heap.stats();
    assert!(stats.minor_collections > 0 && stats.cycles > 0 && stats.links_made > 0 && stats.published_objects > 0);
    world.end()?;
    let [made, ended] = [&tree::MADE, &tree::ENDED].map(|counters| [0, 1].map(|i| counters[i].load(Relaxed)));
    assert_eq!(made, ended, "each object with a finalizer is finalized once");
    println!("finalizers         {} objects made, each finalized once", made[0]);
    let flat = resident.is_flat();
    println!("{}", if flat { "ok" } else { "soak: resident memory is not flat" });
    Ok(flat)
}

/// Samples memory, prints a line now and then, and verifies the heap.
fn watch(options: &Options, world: &World, resident: &mut Resident) {
    let begin = Instant::now();
    let mut next = options.every;
    while begin.elapsed() < options.time {
        thread::sleep(Duration::from_millis(50).min(options.time.saturating_sub(begin.elapsed())));
        let bytes = resident.sample(begin.elapsed());
        if begin.elapsed() >= next {
            next += options.every;
            let verified =
                world.heap.attach().and_then(|mut mutator| mutator.verify()).unwrap_or_else(|e| panic!("{e}"));
            let stats = world.heap.stats();
            println!(
                "{:6} s  {:11} operations  {:8} minors  {:6} cycles  {:8} objects verified  {:5} MiB resident",
                begin.elapsed().as_secs(),
                world.operations.load(Relaxed),
                stats.minor_collections,
                stats.cycles,
                verified.old + verified.private,
                bytes >> 20
            );
        }
    }
    resident.sample(begin.elapsed().min(options.time));
}

fn report(world: &World, resident: &Resident) {
    let stats = world.heap.stats();
    println!("operations         {}", world.operations.load(Relaxed));
    println!("collections        {} minor, {} cycles", stats.minor_collections, stats.cycles);
    println!("pairs              {} made, {} came out of the dead queue", stats.links_made, world.dead.load(Relaxed));
    println!("out of memory      {} times, as it should be", limits::OUT_OF_MEMORY.load(Relaxed));
    println!("heaps              {} made and closed", limits::HEAPS.load(Relaxed));
    println!("longest pause      {:.3} ms", stats.longest_pause_ns as f64 / 1e6);
    let [at_10, at_50, at_100] = [10, 50, 100].map(|percent| resident.at(percent) >> 20);
    println!("resident           {at_10} MiB at 10 %, {at_50} MiB at 50 %, {at_100} MiB at 100 %");
}
