//! What do roots cost: pushed and popped, global ones, and weak references?

mod common;

use common::{Bench, node};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const MANY: u64 = 1000;

fn roots(c: &mut Criterion) {
    let mut group = c.benchmark_group("roots");
    group.throughput(Throughput::Elements(MANY));
    let bench = Bench::new(64);
    let m = bench.m;
    // SAFETY (of the blocks below): [X1] this thread's mutator and its live objects; cells are freed once.
    // SAFETY: [X1] see above.
    let object = unsafe { m.root(node(m)) };
    group.bench_function("a thousand in one scope", |b| {
        b.iter(|| {
            // SAFETY: [X1] see above.
            unsafe {
                let scope = m.scope_open();
                (0..MANY).for_each(|_| assert!(!black_box(m.root(*object)).is_null()));
                assert!(m.scope_close(scope));
            }
        });
    });
    group.bench_function("one in each of a thousand scopes", |b| {
        b.iter(|| {
            for _ in 0..MANY {
                // SAFETY: [X1] see above.
                unsafe {
                    let scope = m.scope_open();
                    assert!(!black_box(m.root(*object)).is_null());
                    assert!(m.scope_close(scope));
                }
            }
        });
    });
    group.bench_function("two in each of a thousand frames", |b| {
        b.iter(|| {
            for _ in 0..MANY {
                // SAFETY: [X1] see above.
                unsafe {
                    let frame = black_box(m.frame::<2>());
                    frame.set(0, *object);
                    frame.set(1, *object);
                }
            }
        });
    });
    group.bench_function("a global root made and freed", |b| {
        // SAFETY: [X1] see above.
        b.iter(|| (0..MANY).for_each(|_| unsafe { assert!(m.global_free(m.global_new(*object))) }));
    });
    // SAFETY: [X1] see above.
    let (global, weak) = unsafe { (m.global_new(*object), m.weak_new(*object)) };
    group.bench_function("a global root set", |b| {
        // SAFETY: [X1] see above.
        b.iter(|| (0..MANY).for_each(|_| unsafe { m.global_set(black_box(global), *object) }));
    });
    group.bench_function("a weak reference read", |b| {
        // SAFETY: [X1] see above.
        b.iter(|| (0..MANY).for_each(|_| assert!(!unsafe { m.weak_get(black_box(weak)) }.is_null())));
    });
    // SAFETY: [X1] see above.
    unsafe {
        m.global_free(global);
        m.weak_free(weak);
    }
    group.bench_function("a safepoint", |b| {
        // SAFETY: [X1] see above.
        b.iter(|| (0..MANY).for_each(|_| unsafe { m.safepoint() }));
    });
    group.finish();
}

criterion_group!(benches, roots);
criterion_main!(benches);
