//! Instructions of the fast paths, a thousand of each, counted by callgrind: the same on a busy machine as on an idle one.
//! `counts.toml` has the figures that are known; five percent more is a failure (`ci/counts.sh`).

#![allow(missing_docs, reason = "the macros make modules without documentation")]

mod common;
#[path = "../src/node.rs"]
#[allow(dead_code, reason = "the trees are wanted, not how the runner checks them")]
mod node;
#[path = "common/prepared.rs"]
mod prepared;

use common::{Bench, LINKED, NODE, SIZE, Typed};
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use handfast::raw::{LinkFlags, Object, PyObject};
use handfast::{Config, Field};
use handfast_c as _;
use prepared::*;
use std::ffi::c_void;
use std::hint::black_box;
use std::ptr::null_mut;

unsafe extern "C" {
    fn bench_alloc(mutator: *mut c_void, ty: u32, n: u64);
    fn bench_alloc_sized(mutator: *mut c_void, layout: *const c_void, n: u64);
    fn bench_store(mutator: *mut c_void, source: *mut Object, value: *mut Object, n: u64);
    fn bench_store_new(mutator: *mut c_void, source: *mut Object, ty: u32, n: u64);
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

// A tree of 1023 nodes, from the bottom: an allocation each, roots, and two references in each node that is no leaf.
#[library_benchmark(setup = ready, config = limit("tree_raw"))]
fn tree_raw(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    kept(unsafe { node::raw_tree(r.bench.m, 9) });
    r
}

#[library_benchmark(setup = typed, config = limit("tree_typed"))]
fn tree_typed((heap, mut mutator): (handfast::Heap, handfast::Mutator)) -> (handfast::Mutator, handfast::Heap) {
    mutator.scope(|s| kept(node::typed_tree(s, 9)));
    (mutator, heap)
}

#[library_benchmark(setup = ready, config = limit("alloc_c"))]
fn alloc_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_alloc(r.bench.m.as_ptr().cast(), r.ty, MANY) };
    r
}

#[library_benchmark(setup = ready, config = limit("alloc_sized_c"))]
fn alloc_sized_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_alloc_sized(r.bench.m.as_ptr().cast(), r.layout.cast(), MANY) };
    r
}

#[library_benchmark(setup = ready, config = limit("store_private"))]
fn store_private(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    repeat(r, |r| unsafe { r.bench.m.store(black_box(r.source), 8, r.value) })
}

// The source is old and not remembered, and so is the value: the slow path, with nothing to do there.
#[library_benchmark(setup = with_old, config = limit("store_old"))]
fn store_old(r: (Bench, *mut *mut Object)) -> (Bench, *mut *mut Object) {
    for i in 0..MANY as usize {
        // SAFETY: [X1] see above.
        unsafe { r.0.m.store(black_box(*r.1), i * 8, *r.1) };
    }
    r
}

/// The same array, after a minor collection for which as many slots were remembered.
fn remembering() -> (Bench, *mut *mut Object) {
    let r = store_young(with_old());
    // SAFETY: [X1] see above.
    unsafe { r.0.m.collect_minor() };
    r
}

fn store_young(r: (Bench, *mut *mut Object)) -> (Bench, *mut *mut Object) {
    // SAFETY: [X1] see above; what is allocated is stored at once.
    let young = unsafe { r.0.m.alloc(&NODE) };
    for i in 0..MANY as usize {
        // SAFETY: [X1] see above.
        unsafe { r.0.m.store(black_box(*r.1), i * 8, young) };
    }
    r
}

// A young value: a slot to remember.
#[library_benchmark(setup = remembering, config = limit("store_remembered"))]
fn store_remembered(r: (Bench, *mut *mut Object)) -> (Bench, *mut *mut Object) {
    store_young(r)
}

#[library_benchmark(setup = typed, config = limit("store_typed"))]
fn store_typed((heap, mut mutator): (handfast::Heap, handfast::Mutator)) -> (handfast::Mutator, handfast::Heap) {
    mutator.scope(|s| {
        let node = || Typed { value: 0, left: Field::null(), right: Field::null() };
        let (source, value) = (s.alloc(node()).expect("memory"), s.alloc(node()).expect("memory"));
        (0..MANY).for_each(|_| s.set(black_box(source), |n| &n.left, value));
    });
    (mutator, heap)
}

// An item of a young private array is read and replaced.
#[library_benchmark(setup = typed, config = limit("item_typed"))]
fn item_typed((heap, mut mutator): (handfast::Heap, handfast::Mutator)) -> (handfast::Mutator, handfast::Heap) {
    mutator.scope(|s| {
        let items = s.alloc_array::<Typed>(4).expect("memory");
        let value = s.alloc(Typed { value: 0, left: Field::null(), right: Field::null() }).expect("memory");
        (0..MANY as usize).for_each(|i| {
            kept(s.item(items, i % 4).is_some());
            s.set_item(items, i % 4, value.get(s));
        });
    });
    (mutator, heap)
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

// A new object each time, which is published first.
#[library_benchmark(setup = published, config = limit("store_publishing"))]
fn store_publishing(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    repeat(r, |r| unsafe { r.bench.m.store(black_box(r.source), 8, common::node(r.bench.m)) })
}

#[library_benchmark(setup = published, config = limit("store_publishing_c"))]
fn store_publishing_c(r: Ready) -> Ready {
    // SAFETY: [X1] see above.
    unsafe { bench_store_new(r.bench.m.as_ptr().cast(), r.source, r.ty, MANY) };
    r
}

fn overwrite(r: InCycle) -> InCycle {
    for i in 0..MANY as usize {
        // SAFETY: [X1] see above.
        unsafe { r.bench.m.store(black_box(*r.list), i * 8, *r.value) };
    }
    assert!(r.standing.runs(), "the cycle waits for this thread");
    r
}

// Nothing is marked, and both what is stored and what is overwritten is shaded: insertion and deletion.
#[library_benchmark(setup = armed, config = limit("store_armed"))]
fn store_armed(r: InCycle) -> InCycle {
    overwrite(r)
}

// Scanned, and nothing is marked yet: each store shades what it overwrites.
#[library_benchmark(setup = scanned, config = limit("store_scanned"))]
fn store_scanned(r: InCycle) -> InCycle {
    overwrite(r)
}

// The same, into something that other threads may reach: by exchange.
#[library_benchmark(setup = scanned_public, config = limit("store_public_scanned"))]
fn store_public_scanned(r: InCycle) -> InCycle {
    overwrite(r)
}

// Whatever is overwritten is marked already.
#[library_benchmark(setup = marked, config = limit("store_marked"))]
fn store_marked(r: InCycle) -> InCycle {
    overwrite(r)
}

#[library_benchmark(setup = marked_public, config = limit("store_public_marked"))]
fn store_public_marked(r: InCycle) -> InCycle {
    overwrite(r)
}

#[library_benchmark(setup = marked, config = limit("store_marked_c"))]
fn store_marked_c(r: InCycle) -> InCycle {
    // SAFETY: [X1] see above; the value's own field is overwritten again and again.
    unsafe { bench_store(r.bench.m.as_ptr().cast(), *r.value, *r.value, MANY) };
    r
}

// The crossing barrier: what C hands over is marked already.
#[library_benchmark(setup = marked, config = limit("to_obj_marked_c"))]
fn to_obj_marked_c(r: InCycle) -> InCycle {
    // SAFETY: [X1] see above.
    unsafe { bench_to_obj(r.bench.m.as_ptr().cast(), r.ob, MANY) };
    r
}

#[library_benchmark(setup = marked, config = limit("to_obj_marked"))]
fn to_obj_marked(r: InCycle) -> InCycle {
    // SAFETY: [X1] see above.
    (0..MANY).for_each(|_| kept(unsafe { r.bench.m.to_obj(black_box(r.ob)) }));
    r
}

#[library_benchmark(setup = young, config = limit("publish"))]
fn publish((bench, head): (Bench, *mut *mut Object)) -> Bench {
    // SAFETY: [X1] see above.
    unsafe { bench.m.publish(*head) };
    bench
}

#[library_benchmark(setup = nothing_young, config = limit("minor_empty"))]
fn minor_empty((bench, _): (Bench, *mut *mut Object)) -> Bench {
    // SAFETY: [X1] see above.
    unsafe { bench.m.collect_minor() };
    bench
}

#[library_benchmark(setup = young, config = limit("minor_survivors"))]
fn minor_survivors((bench, _): (Bench, *mut *mut Object)) -> Bench {
    // SAFETY: [X1] see above.
    unsafe { bench.m.collect_minor() };
    bench
}

#[library_benchmark(setup = public_young, config = limit("minor_in_place"))]
fn minor_in_place((bench, _): (Bench, *mut *mut Object)) -> Bench {
    // SAFETY: [X1] see above.
    unsafe { bench.m.collect_minor() };
    bench
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

// A frame of two roots, both set and seen.
#[library_benchmark(setup = ready, config = limit("root_frame"))]
fn root_frame(r: Ready) -> Ready {
    repeat(r, |r| {
        // SAFETY: [X1] see above.
        unsafe {
            let frame = r.bench.m.frame::<2>();
            frame.set(0, black_box(r.source));
            frame.set(1, r.value);
            kept(frame.slot(0));
        }
    })
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
        alloc_sized_c,
        tree_raw,
        tree_typed,
        store_private,
        store_private_c,
        store_typed,
        item_typed,
        store_old,
        store_remembered,
        store_public,
        store_publishing,
        store_publishing_c,
        store_armed,
        store_scanned,
        store_public_scanned,
        store_marked,
        store_public_marked,
        store_marked_c,
        publish,
        minor_empty,
        minor_survivors,
        minor_in_place,
        from_obj,
        from_obj_c,
        to_obj,
        to_obj_c,
        to_obj_marked,
        to_obj_marked_c,
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
        root_frame,
        safepoint
    ]
);

main!(library_benchmark_groups = fast_paths);
