//! What does a store cost, by what the source and the value are, and while cycles run?

mod common;

use common::{Bench, node};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use handfast::Config;
use handfast::raw::{Mutator, Object};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const MANY: u64 = 1000;

fn stores(m: Mutator, source: *mut *mut Object, value: *mut *mut Object) {
    for _ in 0..MANY {
        // SAFETY: [X1] this thread's mutator and its objects, which are rooted.
        unsafe { m.store(black_box(*source), 8, *value) };
    }
}

fn barrier(c: &mut Criterion) {
    let mut group = c.benchmark_group("store");
    group.throughput(Throughput::Elements(MANY));
    let bench = Bench::new(256);
    let m = bench.m;
    // SAFETY (of the blocks below): [X1] this thread's mutator and its objects, which are rooted.
    type Make = fn(Mutator) -> *mut *mut Object;
    // SAFETY: [X1] see above.
    let young: Make = |m| unsafe { m.root(node(m)) };
    let old: Make = |m| {
        // SAFETY: [X1] see above.
        unsafe {
            let root = m.root(node(m));
            m.collect_minor();
            root
        }
    };
    let public: Make = |m| {
        // SAFETY: [X1] see above.
        unsafe {
            let root = m.root(node(m));
            m.publish(*root);
            m.collect_minor();
            root
        }
    };
    for (name, source, value) in [
        ("idle, into a private young object", young, young),
        ("idle, an old value into an old object", old, old),
        ("idle, a young value into an old object", old, young),
        ("idle, into a public object", public, public),
    ] {
        let source = source(m);
        let value = value(m);
        group.bench_function(name, |b| b.iter(|| stores(m, source, value)));
    }
    let busy = Bench::with(&Config { max_heap_bytes: 512 << 20, ..Config::default() });
    let m = busy.m;
    let list = busy.nodes(500_000);
    let (into_young, into_old, into_public) = (young(m), old(m), public(m));
    let done = AtomicBool::new(false);
    thread::scope(|s| {
        s.spawn(|| {
            let other = busy.heap.attach().expect("attach");
            while !done.load(Ordering::Acquire) {
                // SAFETY: [X1] that thread's mutator.
                unsafe { other.collect_full() };
            }
            // SAFETY: [X1] as above.
            unsafe { other.detach() };
        });
        for (name, source) in [
            ("cycles back to back, into a private object", into_young),
            ("cycles back to back, into an old object", into_old),
            ("cycles back to back, into a public object", into_public),
        ] {
            group.bench_function(name, |b| {
                b.iter(|| {
                    // SAFETY: [X1] see above. What is young is promoted here: the roots follow.
                    unsafe { m.safepoint() };
                    stores(m, source, into_public);
                });
            });
        }
        black_box(list);
        done.store(true, Ordering::Release);
        // SAFETY: [X1] see above; the cycle that runs must not wait for this thread.
        unsafe { m.native_enter() };
    });
    // SAFETY: [X1] as above.
    unsafe { m.native_leave() };
    group.finish();
}

criterion_group!(benches, barrier);
criterion_main!(benches);
