//! What does it cost to publish, by the number of private objects that are reached? Made and published, together, beside
//! the same that are only made.

mod common;

use common::{Bench, LIST, chain, node};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::ptr::null_mut;

fn publication(c: &mut Criterion) {
    let mut group = c.benchmark_group("publish");
    for length in [1usize, 10, 100, 1000] {
        let bench = Bench::new(512);
        // SAFETY (of the blocks below): [X1] this thread's mutator; what is kept over allocations is rooted.
        // SAFETY: [X1] see above.
        let head = unsafe { bench.m.root(null_mut()) };
        group.throughput(Throughput::Elements(length as u64));
        group.bench_with_input(BenchmarkId::new("a list, made", length), &length, |b, &length| {
            // SAFETY: [X1] see above.
            b.iter(|| unsafe { *head = chain(bench.m, length) });
        });
        group.bench_with_input(BenchmarkId::new("a list, made and published", length), &length, |b, &length| {
            b.iter(|| {
                // SAFETY: [X1] see above.
                unsafe {
                    *head = chain(bench.m, length);
                    bench.m.publish(*head);
                }
            });
        });
    }
    let bench = Bench::new(512);
    // SAFETY: [X1] see above.
    let table = unsafe {
        let table = bench.m.root(bench.m.alloc_items(&LIST, 100));
        bench.m.publish(*table);
        table
    };
    group.throughput(Throughput::Elements(100));
    group.bench_function("a new object with each store into a public array", |b| {
        b.iter(|| {
            for i in 0..100 {
                // SAFETY: [X1] see above.
                unsafe {
                    let new = node(bench.m);
                    bench.m.store(*table, i * 8, new);
                }
            }
        });
    });
    group.finish();
}

criterion_group!(benches, publication);
criterion_main!(benches);
