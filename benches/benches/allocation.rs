//! What does an allocation cost, by layer and size, minor collections of garbage included?

mod common;

use common::{Bench, Typed};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use handfast::raw::TypeInfo;
use handfast::{Config, Field, Heap};
use std::hint::black_box;
use std::ptr::null_mut;

static SIZES: [(&str, TypeInfo); 4] = [
    ("16 bytes", TypeInfo::new("bench::Bytes16", 8)),
    ("32 bytes", TypeInfo::new("bench::Bytes32", 24)),
    ("128 bytes", TypeInfo::new("bench::Bytes128", 120)),
    ("1024 bytes", TypeInfo::new("bench::Bytes1024", 1016)),
];
static LARGE: TypeInfo = TypeInfo::new("bench::Large", 64 << 10);
const MANY: u64 = 1000;

fn allocation(c: &mut Criterion) {
    let mut group = c.benchmark_group("allocation");
    group.throughput(Throughput::Elements(MANY));
    let bench = Bench::new(256);
    // SAFETY (of the blocks below): [X1] this thread's mutator; objects are not used after the next allocation.
    for (name, ty) in &SIZES {
        group.bench_function(format!("raw, zeroed, {name}"), |b| {
            // SAFETY: [X1] see above.
            b.iter(|| (0..MANY).for_each(|_| assert!(!black_box(unsafe { bench.m.alloc(ty) }).is_null())));
        });
    }
    group.bench_function("raw, written, 32 bytes", |b| {
        // SAFETY: [X1] see above.
        b.iter(|| (0..MANY).for_each(|_| assert!(!black_box(unsafe { common::node(bench.m) }).is_null())));
    });
    group.bench_function("raw, kept in a root, 32 bytes", |b| {
        // SAFETY: [X1] see above.
        let slot = unsafe { bench.m.root(null_mut()) };
        // SAFETY: [X1] see above; the slot is a root.
        b.iter(|| (0..MANY).for_each(|_| unsafe { slot.write_volatile(common::node(bench.m)) }));
    });
    let heap = Heap::new(Config { max_heap_bytes: 256 << 20, gc_threads: 0, ..Config::default() }).expect("heap");
    let mut mutator = heap.attach().expect("attach");
    group.bench_function("typed, 32 bytes", |b| {
        mutator.scope(|s| {
            let last = s.var::<Typed>();
            b.iter(|| {
                for value in 0..MANY {
                    last.alloc(s, Typed { value, left: Field::null(), right: Field::null() }).expect("memory");
                }
            });
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("raw, large, 64 KiB", |b| {
        // SAFETY: [X1] see above.
        b.iter(|| assert!(!black_box(unsafe { bench.m.alloc(&LARGE) }).is_null()));
    });
    group.finish();
}

criterion_group!(benches, allocation);
criterion_main!(benches);
