//! Instructions of the fast paths, a thousand of each, counted by callgrind: the same on a busy machine as on an idle one.
//! `counts.toml` has the figures that are known; five percent more is a failure (`ci/counts.sh`).

#![allow(missing_docs, reason = "the macros make modules without documentation")]

mod common;

use common::{Bench, LINKED, NODE, SIZE, Typed};
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use handfast::raw::{LinkFlags, Object, PyObject, TypeInfo};
use handfast::{Config, Field};
use handfast_c as _;
use std::ffi::c_void;
use std::hint::black_box;
use std::ptr::null_mut;

const MANY: u64 = 1000;

unsafe extern "C" {
    fn bench_alloc(mutator: *mut c_void, ty: u32, n: u64);
    fn bench_store(mutator: *mut c_void, source: *mut Object, value: *mut Object, n: u64);
    fn bench_counts(ob: *mut PyObject, n: u64);
    fn bench_counts_locked(ob: *mut PyObject, n: u64);
    fn bench_from_obj(mutator: *mut c_void, object: *mut Object, n: u64);
    fn bench_to_obj(mutator: *mut c_void, ob: *mut PyObject, n: u64);
    fn bench_handle(mutator: *mut c_void, object: *mut Object, n: u64);
    fn bench_pair(mutator: *mut c_void, ty: u32, n: u64);
    fn bench_c_only(mutator: *mut c_void, n: u64);
}

/// The committed figure and five percent.
fn limit(name: &str) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    let figure = include_str!("../counts.toml").lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim().parse::<u64>().expect("a number in counts.toml"))
    });
    let figure = figure.unwrap_or_else(|| panic!("{name} is not in counts.toml"));
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, figure + figure / 20)]));
    config
}

/// A heap whose nursery has a block open, with two objects and what belongs to them.
struct Ready {
    bench: Bench,
    source: *mut Object,
    value: *mut Object,
    ob: *mut PyObject,
    ty: u32,
    linked: *const TypeInfo,
}

fn ready() -> Ready {
    let bench = Bench::new(64);
    let m = bench.m;
    let linked =
        bench.heap.register_type("bench::Slotted", &[0, 8], TypeInfo::new("", 24).with_handle_slot(16)).expect("type");
    let ty = bench.heap.register_type("bench::Counted", &[8, 16], TypeInfo::new("", 24)).expect("type");
    // SAFETY: [X1] this thread's mutator; nothing collects until the objects are gone.
    unsafe {
        let (source, value) = (m.alloc(&LINKED), m.alloc(&NODE));
        let ob = m.handle(source, SIZE, null_mut(), LinkFlags::LIGHT);
        // The first of each takes what the others find: a block, a page, a list of roots.
        bench_alloc(m.as_ptr().cast(), (*ty).id(), 1);
        let scope = m.scope_open();
        (0..MANY).for_each(|_| kept(m.root(null_mut())));
        m.scope_close(scope);
        Ready { source, value, ob, ty: (*ty).id(), linked, bench }
    }
}

/// In which all memory for handles that was taken so far has been used before.
fn used() -> Ready {
    let ready = ready();
    // SAFETY: [X1] this thread's mutator; each reference is dropped.
    (0..2 * MANY).for_each(|_| unsafe { PyObject::decref(ready.bench.m.pyobject_new(SIZE, null_mut())) });
    ready
}

fn published() -> Ready {
    let ready = ready();
    // SAFETY: [X1] this thread's mutator and its objects.
    unsafe {
        ready.bench.m.publish(ready.source);
        ready.bench.m.publish(ready.value);
    }
    ready
}

/// Has to be computed.
#[inline(always)]
fn kept<T>(value: T) {
    black_box(value);
}

fn repeat(ready: Ready, work: impl Fn(&Ready)) -> Ready {
    (0..MANY).for_each(|_| work(&ready));
    ready
}

// SAFETY (of all the blocks below): [X1] this thread's mutator, its live objects, and nothing collects: a thousand objects
// fit into the block.

#[library_benchmark(setup = ready, config = limit("alloc_raw"))]
fn alloc_raw(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    repeat(r, |r| kept(unsafe { common::node(r.bench.m) }))
}

#[library_benchmark(setup = ready, config = limit("alloc_batch"))]
fn alloc_batch(r: Ready) -> Ready {
    // SAFETY: [X1] see above; all of the payload is written.
    unsafe {
        let mut batch = r.bench.m.batch();
        for i in 0..MANY {
            let node = batch.alloc_uninit(&NODE);
            handfast::raw::payload(node).cast::<[u64; 3]>().write([0, 0, i]);
            kept(node);
        }
    }
    r
}

fn typed() -> (handfast::Heap, handfast::Mutator) {
    let config = Config { max_heap_bytes: 64 << 20, gc_threads: 0, ..Config::default() };
    let heap = handfast::Heap::new(config).expect("heap");
    let mut mutator = heap.attach().expect("attach");
    alloc_some(&mut mutator, 1);
    (heap, mutator)
}

#[inline(always)]
fn alloc_some(mutator: &mut handfast::Mutator, count: u64) {
    mutator.scope(|s| {
        let last = s.var::<Typed>();
        for value in 0..count {
            last.alloc(s, Typed { value, left: Field::null(), right: Field::null() }).expect("out of memory");
        }
    });
}

#[library_benchmark(setup = typed, config = limit("alloc_typed"))]
fn alloc_typed((heap, mut mutator): (handfast::Heap, handfast::Mutator)) -> (handfast::Mutator, handfast::Heap) {
    alloc_some(&mut mutator, MANY);
    (mutator, heap)
}

#[library_benchmark(setup = ready, config = limit("alloc_c"))]
fn alloc_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_alloc(r.bench.m.as_ptr().cast(), r.ty, MANY) };
    r
}

#[library_benchmark(setup = ready, config = limit("store_private"))]
fn store_private(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    repeat(r, |r| unsafe { r.bench.m.store(black_box(r.source), 8, r.value) })
}

#[library_benchmark(setup = ready, config = limit("store_private_c"))]
fn store_private_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_store(r.bench.m.as_ptr().cast(), r.source, r.value, MANY) };
    r
}

#[library_benchmark(setup = published, config = limit("store_public"))]
fn store_public(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    repeat(r, |r| unsafe { r.bench.m.store(black_box(r.source), 8, r.value) })
}

#[library_benchmark(setup = ready, config = limit("from_obj"))]
fn from_obj(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    repeat(r, |r| kept(unsafe { r.bench.m.from_obj(black_box(r.source)) }))
}

#[library_benchmark(setup = ready, config = limit("from_obj_c"))]
fn from_obj_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_from_obj(r.bench.m.as_ptr().cast(), r.source, MANY) };
    r
}

#[library_benchmark(setup = ready, config = limit("to_obj"))]
fn to_obj(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    repeat(r, |r| kept(unsafe { r.bench.m.to_obj(black_box(r.ob)) }))
}

#[library_benchmark(setup = ready, config = limit("to_obj_c"))]
fn to_obj_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_to_obj(r.bench.m.as_ptr().cast(), r.ob, MANY) };
    r
}

#[library_benchmark(setup = ready, config = limit("incref_decref"))]
fn incref_decref(r: Ready) -> Ready {
    repeat(r, |r| {
        // SAFETY: [X1] see above.
        unsafe {
            PyObject::incref(black_box(r.ob));
            PyObject::decref(black_box(r.ob));
        }
    })
}

#[library_benchmark(setup = ready, config = limit("incref_decref_c"))]
fn incref_decref_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_counts(r.ob, MANY) };
    r
}

#[library_benchmark(setup = ready, config = limit("incref_decref_locked"))]
fn incref_decref_locked(r: Ready) -> Ready {
    // SAFETY: [X1] see above; one thread counts.
    unsafe { bench_counts_locked(r.ob, MANY) };
    r
}

#[library_benchmark(setup = ready, config = limit("handle_known"))]
fn handle_known(r: Ready) -> Ready {
    // SAFETY: [X1] see above; the reference is dropped.
    repeat(r, |r| unsafe {
        PyObject::decref(r.bench.m.handle(black_box(r.source), SIZE, null_mut(), LinkFlags::LIGHT))
    })
}

#[library_benchmark(setup = ready, config = limit("handle_known_c"))]
fn handle_known_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_handle(r.bench.m.as_ptr().cast(), r.source, MANY) };
    r
}

#[library_benchmark(setup = ready, config = limit("pair"))]
fn pair(r: Ready) -> Ready {
    // SAFETY: [X1] see above; the reference is dropped.
    repeat(r, |r| unsafe {
        let m = r.bench.m;
        PyObject::decref(black_box(m.handle(m.alloc(&LINKED), SIZE, null_mut(), LinkFlags::LIGHT)));
    })
}

#[library_benchmark(setup = ready, config = limit("pair_c"))]
fn pair_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_pair(r.bench.m.as_ptr().cast(), (*r.linked).id(), MANY) };
    r
}

// What C makes and drops alone, after the page's memory was given out once.
#[library_benchmark(setup = used, config = limit("c_only"))]
fn c_only(r: Ready) -> Ready {
    // SAFETY: [X1] see above; the reference is dropped.
    repeat(r, |r| unsafe { PyObject::decref(black_box(r.bench.m.pyobject_new(SIZE, null_mut()))) })
}

#[library_benchmark(setup = used, config = limit("c_only_c"))]
fn c_only_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_c_only(r.bench.m.as_ptr().cast(), MANY) };
    r
}

// The same, a hundred alive at a time.
#[library_benchmark(setup = used, config = limit("c_only_burst"))]
fn c_only_burst(r: Ready) -> Ready {
    for _ in 0..MANY / 100 {
        // SAFETY: [X1] see above; each reference is dropped.
        unsafe {
            let obs: [_; 100] = std::array::from_fn(|_| r.bench.m.pyobject_new(SIZE, null_mut()));
            obs.iter().for_each(|&ob| PyObject::decref(black_box(ob)));
        }
    }
    r
}

#[library_benchmark(setup = ready, config = limit("root_push"))]
fn root_push(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    repeat(r, |r| kept(unsafe { r.bench.m.root(black_box(r.source)) }))
}

#[library_benchmark(setup = ready, config = limit("safepoint"))]
fn safepoint(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    repeat(r, |r| unsafe { r.bench.m.safepoint() })
}

library_benchmark_group!(
    name = fast_paths,
    benchmarks = [
        alloc_raw,
        alloc_typed,
        alloc_batch,
        alloc_c,
        store_private,
        store_private_c,
        store_public,
        from_obj,
        from_obj_c,
        to_obj,
        to_obj_c,
        incref_decref,
        incref_decref_c,
        incref_decref_locked,
        handle_known,
        handle_known_c,
        pair,
        pair_c,
        c_only,
        c_only_c,
        c_only_burst,
        root_push,
        safepoint
    ]
);

main!(library_benchmark_groups = fast_paths);
