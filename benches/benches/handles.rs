//! What does a handle cost: made, found, counted, dropped; with a handle slot and without?

mod common;

use common::{Bench, LINKED, SIZE, SLOTLESS};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use handfast::raw::{LinkFlags, PyObject};
use std::hint::black_box;
use std::ptr::null_mut;

const MANY: u64 = 1000;

fn handles(c: &mut Criterion) {
    let mut group = c.benchmark_group("handles");
    group.throughput(Throughput::Elements(MANY));
    // SAFETY (of the blocks below): [X1] this thread's mutator and its live objects; references are dropped once.
    for (name, ty) in [("with a slot", &LINKED), ("without", &SLOTLESS)] {
        let bench = Bench::new(256);
        let m = bench.m;
        // SAFETY: [X1] see above.
        let root = unsafe { m.root(m.alloc(ty)) };
        // SAFETY: [X1] see above.
        let ob = unsafe { m.handle(*root, SIZE, null_mut(), LinkFlags::LIGHT) };
        // SAFETY: [X1] see above.
        unsafe { m.collect_minor() };
        group.bench_function(format!("made and dropped, {name}"), |b| {
            b.iter(|| {
                for _ in 0..MANY {
                    // SAFETY: [X1] see above.
                    unsafe { PyObject::decref(black_box(m.handle(m.alloc(ty), SIZE, null_mut(), LinkFlags::LIGHT))) };
                }
            });
        });
        group.bench_function(format!("got and dropped, {name}"), |b| {
            b.iter(|| {
                for _ in 0..MANY {
                    // SAFETY: [X1] see above.
                    unsafe { PyObject::decref(m.handle(black_box(*root), SIZE, null_mut(), LinkFlags::LIGHT)) };
                }
            });
        });
        // SAFETY: [X1] see above.
        unsafe { PyObject::decref(ob) };
    }
    let bench = Bench::new(256);
    // SAFETY: [X1] see above.
    let ob = unsafe { bench.m.pyobject_new(SIZE, null_mut()) };
    group.bench_function("counted up and down", |b| {
        b.iter(|| {
            for _ in 0..MANY {
                // SAFETY: [X1] see above.
                unsafe {
                    PyObject::incref(black_box(ob));
                    PyObject::decref(black_box(ob));
                }
            }
        });
    });
    group.bench_function("PyObject without an object", |b| {
        b.iter(|| {
            for _ in 0..MANY {
                // SAFETY: [X1] see above.
                unsafe { PyObject::decref(black_box(bench.m.pyobject_new(SIZE, null_mut()))) };
            }
        });
    });
    // SAFETY: [X1] see above.
    unsafe { PyObject::decref(ob) };
    group.finish();
}

criterion_group!(benches, handles);
criterion_main!(benches);
