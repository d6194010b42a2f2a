//! What does a store cost, by what the source and the value are, in each phase of a cycle? The cycle stands still in a phase
//! while stores are counted (`common/standing.rs`); the sweep alone goes on, and stores are counted as long as it runs.

mod common;

use common::standing::{Standing, Stop};
use common::{Bench, node};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use handfast::raw::{Mutator, Object};
use std::hint::black_box;
use std::time::{Duration, Instant};

const MANY: u64 = 1000;
/// Old objects in the heap, each of which is overwritten once a cycle.
const OLD: usize = 1 << 20;

type Root = *mut *mut Object;

fn stores(m: Mutator, source: Root, value: Root) {
    for _ in 0..MANY {
        // SAFETY: [X1] this thread's mutator and its objects, which are rooted.
        unsafe { m.store(black_box(*source), 8, *value) };
    }
}

// SAFETY (of the blocks below): [X1] this thread's mutator and its objects, which are rooted.

fn young(m: Mutator) -> Root {
    // SAFETY: [X1] see above.
    unsafe { m.root(node(m)) }
}

fn old(m: Mutator) -> Root {
    let root = young(m);
    // SAFETY: [X1] see above.
    unsafe { m.collect_minor() };
    root
}

fn public(m: Mutator) -> Root {
    let root = young(m);
    // SAFETY: [X1] see above.
    unsafe {
        m.publish(*root);
        m.collect_minor();
    }
    root
}

fn idle(group: &mut BenchmarkGroup<'_, WallTime>) {
    type Make = fn(Mutator) -> Root;
    let (young, old, public): (Make, Make, Make) = (young, old, public);
    for (name, source, value) in [
        ("idle, into a private young object", young, young),
        ("idle, an old value into an old object", old, old),
        ("idle, a young value into an old object", old, young),
        ("idle, into a public object", public, public),
    ] {
        let bench = Bench::new(64);
        let source = source(bench.m);
        let value = value(bench.m);
        group.bench_function(name, |b| b.iter(|| stores(bench.m, source, value)));
    }
}

/// What is stored and what is overwritten is marked already, but for the first time.
fn in_phase(group: &mut BenchmarkGroup<'_, WallTime>, stop: Stop, phase: &str) {
    let bench = Bench::new(64);
    let m = bench.m;
    let (private, public) = (old(m), public(m));
    let standing = Standing::at(&bench, stop);
    for (name, source) in [("an old object", private), ("a public object", public)] {
        group.bench_function(format!("{phase}, into {name}"), |b| b.iter(|| stores(m, source, public)));
    }
    assert!(standing.runs(), "the cycle waits for this thread");
}

/// Each store overwrites an object that is not marked yet. When all have been, there is another cycle.
fn unmarked(group: &mut BenchmarkGroup<'_, WallTime>, stop: Stop, phase: &str) {
    let bench = Bench::new(256);
    let m = bench.m;
    let (list, value) = (bench.nodes(OLD), old(m));
    group.bench_function(format!("{phase}, over an unmarked object"), |b| {
        b.iter_custom(|rounds| {
            let (mut left, mut time) = (rounds, Duration::ZERO);
            while left > 0 {
                for i in 0..OLD {
                    // SAFETY: [X1] see above.
                    unsafe { m.store(*list, i * 8, node(m)) };
                }
                let standing = Standing::at(&bench, stop);
                let stores = left.min(OLD as u64 / MANY) * MANY;
                let start = Instant::now();
                for i in 0..stores as usize {
                    // SAFETY: [X1] see above.
                    unsafe { m.store(black_box(*list), i * 8, *value) };
                }
                time += start.elapsed();
                assert!(standing.runs(), "the cycle waits for this thread");
                left -= stores / MANY;
            }
            time
        });
    });
}

/// The barrier is that of an idle mutator again, while the collector writes into the blocks' tables.
fn sweeping(group: &mut BenchmarkGroup<'_, WallTime>) {
    let bench = Bench::new(256);
    let m = bench.m;
    let (list, private, public) = (bench.nodes(OLD), old(m), public(m));
    for (name, source) in [("an old object", private), ("a public object", public)] {
        group.bench_function(format!("sweeping, into {name}"), |b| {
            b.iter_custom(|rounds| {
                let (mut left, mut time) = (rounds, Duration::ZERO);
                while left > 0 {
                    let standing = Standing::at(&bench, Stop::Sweeping);
                    let start = Instant::now();
                    // At least one round, or a sweep that is always over before would never let this end.
                    loop {
                        stores(m, source, public);
                        left -= 1;
                        if left == 0 || !standing.runs() {
                            break;
                        }
                    }
                    time += start.elapsed();
                }
                time
            });
        });
    }
    black_box(list);
}

fn barrier(c: &mut Criterion) {
    let mut group = c.benchmark_group("store");
    group.throughput(Throughput::Elements(MANY));
    idle(&mut group);
    in_phase(&mut group, Stop::Armed, "armed");
    in_phase(&mut group, Stop::Marked, "marked");
    sweeping(&mut group);
    // Each sample of these makes a million objects.
    group.sample_size(10);
    unmarked(&mut group, Stop::Armed, "armed");
    unmarked(&mut group, Stop::Scanned, "scanned");
    group.finish();
}

criterion_group!(benches, barrier);
criterion_main!(benches);
