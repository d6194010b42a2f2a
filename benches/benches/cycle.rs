//! What does a full cycle cost the thread that asks, by what lives and what has died?

mod common;

use common::{Bench, tree};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::ptr::null_mut;

fn cycle(c: &mut Criterion) {
    let mut group = c.benchmark_group("cycle");
    group.sample_size(10);
    // SAFETY (of the blocks below): [X1] this thread's mutator; what is kept is rooted.
    for depth in [10u32, 14, 18] {
        let bench = Bench::new(512);
        let nodes = (2u64 << depth) - 1;
        // SAFETY: [X1] see above.
        unsafe { bench.m.root(tree(bench.m, depth)) };
        group.throughput(Throughput::Bytes(nodes * 32));
        group.bench_with_input(BenchmarkId::new("a tree that lives", nodes), &(), |b, ()| {
            // SAFETY: [X1] see above.
            b.iter(|| unsafe { bench.m.collect_full() });
        });
    }
    let bench = Bench::new(512);
    // SAFETY: [X1] see above.
    let root = unsafe { bench.m.root(null_mut()) };
    let dies = || {
        // SAFETY: [X1] see above.
        unsafe {
            *root = tree(bench.m, 16);
            bench.m.collect_minor();
            *root = null_mut();
        }
    };
    group.throughput(Throughput::Bytes((2 << 16) * 32));
    group.bench_function("an old tree that has died", |b| {
        // SAFETY: [X1] see above.
        b.iter_batched(dies, |()| unsafe { bench.m.collect_full() }, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, cycle);
criterion_main!(benches);
