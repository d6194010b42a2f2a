//! What does an allocation cost, by layer and size, minor collections of garbage included?

mod common;

use common::{Bench, Typed};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use handfast::raw::TypeInfo;
use handfast::{Config, Field, Heap};
use handfast_c as _;
use std::ffi::c_void;
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

unsafe extern "C" {
    fn bench_alloc(mutator: *mut c_void, ty: u32, n: u64);
    fn bench_alloc_sized(mutator: *mut c_void, layout: *const c_void, n: u64);
}

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
    let ty = bench.heap.register_type("bench::C", &[8, 16], TypeInfo::new("", 24)).expect("type");
    let mutator = bench.m.as_ptr().cast();
    group.bench_function("C, by type, 32 bytes", |b| {
        // SAFETY: [X1] see above; a type of the heap.
        b.iter(|| unsafe { bench_alloc(mutator, (*ty).id(), MANY) });
    });
    group.bench_function("C, by layout and size, 32 bytes", |b| {
        // SAFETY: [X1] see above; a type of the heap, of 24 bytes.
        b.iter(|| unsafe { bench_alloc_sized(mutator, ty.cast(), MANY) });
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
