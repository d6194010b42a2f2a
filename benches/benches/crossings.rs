//! What does a crossing cost, from an object to its `PyObject` and back, private or public?

mod common;

use common::{Bench, LINKED, SIZE, SLOTLESS};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use handfast::raw::{LinkFlags, PyObject};
use std::hint::black_box;
use std::ptr::null_mut;

const MANY: u64 = 1000;

fn crossings(c: &mut Criterion) {
    let mut group = c.benchmark_group("crossings");
    group.throughput(Throughput::Elements(MANY));
    // SAFETY (of the blocks below): [X1] this thread's mutator and its live objects.
    for (name, ty, public) in
        [("private", &LINKED, false), ("public", &LINKED, true), ("private, without a slot", &SLOTLESS, false)]
    {
        let bench = Bench::new(64);
        let m = bench.m;
        // SAFETY: [X1] see above.
        let root = unsafe { m.root(m.alloc(ty)) };
        // SAFETY: [X1] see above.
        let ob = unsafe {
            let ob = m.handle(*root, SIZE, null_mut(), LinkFlags::LIGHT);
            if public {
                m.publish(*root);
            }
            ob
        };
        group.bench_function(format!("from_obj, {name}"), |b| {
            // SAFETY: [X1] see above.
            b.iter(|| (0..MANY).for_each(|_| assert_eq!(unsafe { m.from_obj(black_box(*root)) }, ob)));
        });
        group.bench_function(format!("to_obj, {name}"), |b| {
            // SAFETY: [X1] see above.
            b.iter(|| (0..MANY).for_each(|_| assert_eq!(unsafe { m.to_obj(black_box(ob)) }, unsafe { *root })));
        });
        // SAFETY: [X1] see above; the reference that `handle` gave.
        unsafe { PyObject::decref(ob) };
    }
    group.finish();
}

criterion_group!(benches, crossings);
criterion_main!(benches);
