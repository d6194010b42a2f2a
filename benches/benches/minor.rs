//! What does a minor collection cost, by the part of the nursery that survives, and by the shape of what survives? Filling
//! half a MiB of nursery and collecting it, together: what 0 % costs is the filling.

mod common;

use common::Bench;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::ptr::null_mut;

/// Nodes in the nursery: half a MiB.
const NODES: usize = 16 << 10;

fn minor(c: &mut Criterion) {
    let mut group = c.benchmark_group("minor");
    group.throughput(Throughput::Bytes((NODES * 32) as u64));
    // SAFETY (of the blocks below): [X1] this thread's mutator; what is kept is rooted.
    for percent in [0usize, 1, 10, 50, 100] {
        let bench = Bench::new(512);
        // SAFETY: [X1] see above.
        let kept = unsafe { bench.m.root(null_mut()) };
        let fill = || {
            // SAFETY: [X1] see above.
            unsafe {
                *kept = null_mut();
                for i in 0..NODES {
                    let node = common::node(bench.m);
                    if i * percent / 100 != (i + 1) * percent / 100 {
                        bench.m.store(node, 8, *kept);
                        *kept = node;
                    }
                }
                bench.m.collect_minor();
            }
        };
        group.bench_function(format!("a list, {percent} % survive"), |b| {
            b.iter(fill);
        });
    }
    let bench = Bench::new(512);
    // SAFETY: [X1] see above.
    let kept = unsafe { bench.m.root(null_mut()) };
    let fill = || {
        // SAFETY: [X1] see above.
        unsafe {
            *kept = common::tree(bench.m, 13);
            bench.m.collect_minor();
        }
    };
    group.bench_function("a tree, 100 % survive", |b| {
        b.iter(fill);
    });
    group.finish();
}

criterion_group!(benches, minor);
criterion_main!(benches);
