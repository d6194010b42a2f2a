//! Allocate 32-byte objects and keep the last one: handfast against a bump loop and mimalloc.

use crate::malloc;
use crate::node::{Node, leaf};
use crate::row::{Row, timed};
use handfast::raw;
use handfast::{Field, Heap};
use std::hint::black_box;
use std::ptr::null_mut;

const CHURN: u64 = 100_000_000;
const BASE: &str = "churn: bump loop, cursor in memory";

/// The rows.
pub fn rows() -> Vec<Row> {
    let row = |name, run: fn() -> u64| Row::new(name, BASE, CHURN, move || timed(run));
    vec![
        row(BASE, || bump_loop(CHURN)),
        row("churn: bump loop", || bare_loop(CHURN)),
        row("churn: handfast, raw", || churn_raw(&crate::raw_heap(160))),
        row("churn: handfast, raw, batch", || churn_batch(&crate::raw_heap(160))),
        row("churn: handfast, typed", || churn_typed(&Heap::new(crate::config(160)).expect("heap"))),
        row("churn: mimalloc", || malloc::churn(CHURN)),
    ]
}

/// The bare machine: a cursor in memory bumped through one MiB, 32 bytes written each.
fn bump_loop(n: u64) -> u64 {
    #[repr(C)]
    struct Arena {
        cursor: usize,
        limit: usize,
    }
    let region = vec![0u64; (1 << 20) / 8];
    let base = region.as_ptr() as usize;
    let mut arena = Arena { cursor: base, limit: base + (1 << 20) };
    let arena = black_box(&mut arena);
    let mut last = null_mut();
    for i in 0..n {
        let at = arena.cursor;
        let end = at + 32;
        if end > arena.limit {
            arena.cursor = base;
            continue;
        }
        arena.cursor = end;
        // SAFETY: [X3] inside the region.
        unsafe { (at as *mut [u64; 4]).write([0x1234, i, 0, 0]) };
        last = black_box(at as *mut u64);
    }
    // SAFETY: [X3] as above; at least one object was written.
    unsafe { last.add(1).read() }
}

/// The same with the cursor in a register.
fn bare_loop(n: u64) -> u64 {
    let region = vec![0u64; (1 << 20) / 8];
    let base = region.as_ptr() as usize;
    let (mut cursor, limit) = (black_box(base), black_box(base + (1 << 20)));
    let mut last: *mut u64 = null_mut();
    for i in 0..n {
        if cursor + 32 > limit {
            cursor = base;
        }
        // SAFETY: [X3] inside the region.
        unsafe {
            (cursor as *mut [u64; 4]).write([0x1234, i, 0, 0]);
            (&raw mut last).write_volatile(cursor as *mut u64);
        }
        cursor += 32;
    }
    // SAFETY: [X3] as above; at least one object was written.
    unsafe { last.add(1).read() }
}

fn churn_raw(heap: &raw::Heap) -> u64 {
    let m = heap.attach().expect("attach");
    // SAFETY: [X1] this thread's mutator; payloads are written at once.
    unsafe {
        let slot = m.root(null_mut());
        for i in 0..CHURN {
            let object = leaf(m);
            raw::payload(object).cast::<u64>().write(i);
            slot.write_volatile(object);
        }
        let value = raw::payload(*slot).cast::<u64>().read();
        m.detach();
        value
    }
}

fn churn_batch(heap: &raw::Heap) -> u64 {
    let m = heap.attach().expect("attach");
    // SAFETY: [X1] as above; nothing but the batch uses the mutator.
    unsafe {
        let slot = m.root(null_mut());
        let mut batch = m.batch();
        for i in 0..CHURN {
            let object = batch.alloc_uninit(&crate::node::NODE);
            assert!(!object.is_null(), "out of memory");
            raw::payload(object).cast::<[u64; 3]>().write([i, 0, 0]);
            slot.write_volatile(object);
        }
        drop(batch);
        let value = raw::payload(*slot).cast::<u64>().read();
        m.detach();
        value
    }
}

fn churn_typed(heap: &Heap) -> u64 {
    let mut mutator = heap.attach().expect("attach");
    mutator.scope(|s| {
        let last = s.var::<Node>();
        for i in 0..CHURN {
            let node = Node { value: i, left: Field::null(), right: Field::null() };
            last.alloc(s, node).expect("out of memory");
        }
        last.get(s).expect("set").value
    })
}
