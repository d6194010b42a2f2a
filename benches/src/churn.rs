//! W2: allocate 32-byte objects and keep the last one. The limits are bump loops through one MiB.

use crate::malloc;
use crate::node::{Node, leaf};
use crate::outcome::Outcome;
use crate::own::Own;
use crate::row::timed;
use crate::workload::Scale;
use handfast::raw::{self, TypeInfo};
use handfast::{Field, Heap};
use handfast_c as _;
use std::ffi::c_void;
use std::hint::black_box;
use std::ptr::null_mut;

const LIMIT: usize = 160;
/// What the plain calls are divided by: a runtime that calls them keeps its cursor in memory as well.
const IN_MEMORY: &str = "bump loop, cursor in memory";
const IN_REGISTERS: &str = "bump loop, cursor in registers";

unsafe extern "C" {
    fn bench_churn(mutator: *mut c_void, ty: u32, n: u64) -> bool;
    fn bench_churn_sized(mutator: *mut c_void, layout: *const c_void, n: u64) -> bool;
}

/// The systems.
pub fn own() -> Vec<Own> {
    let run = |work: fn(u64) -> u64| {
        move |scale: Scale| {
            let n = scale.churn();
            Outcome::new(timed(|| work(n)), n)
        }
    };
    vec![
        Own::handfast("w2", "handfast raw", IN_MEMORY, churn_raw),
        Own::handfast("w2", "handfast batch", IN_REGISTERS, churn_batch),
        Own::handfast("w2", "handfast typed", IN_MEMORY, churn_typed),
        Own::handfast("w2", "handfast C inline", IN_MEMORY, |scale| {
            // SAFETY: [X1] this thread's mutator, and a type of its heap.
            churn_c(scale, |m, ty, n| unsafe { bench_churn_sized(m, ty.cast(), n) })
        }),
        Own::handfast("w2", "handfast C inline, by type", IN_MEMORY, |scale| {
            // SAFETY: [X1] as above.
            churn_c(scale, |m, ty, n| unsafe { bench_churn(m, (*ty).id(), n) })
        }),
        Own::peer("w2", "mimalloc static", run(malloc::churn)),
        Own::limit("w2", IN_MEMORY, run(bump_loop)),
        Own::limit("w2", IN_REGISTERS, run(bump_loop_in_registers)),
    ]
}

#[repr(C)]
struct Arena {
    cursor: usize,
    limit: usize,
}

fn region() -> Vec<u64> {
    // Written, so that its pages are there.
    vec![1u64; (1 << 20) / 8]
}

/// A cursor in memory bumped through one MiB, 32 bytes written each.
fn bump_loop(n: u64) -> u64 {
    let region = region();
    let base = region.as_ptr() as usize;
    let mut arena = Arena { cursor: base, limit: base + (1 << 20) };
    let arena = black_box(&mut arena);
    let mut last = null_mut();
    for i in 0..n {
        if arena.cursor + 32 > arena.limit {
            arena.cursor = base;
        }
        let at = arena.cursor;
        arena.cursor = at + 32;
        // SAFETY: [X3] inside the region.
        unsafe { (at as *mut [u64; 4]).write([0x1234, i, 0, 0]) };
        last = black_box(at as *mut u64);
    }
    // SAFETY: [X3] as above; at least one object was written.
    unsafe { last.add(1).read() }
}

/// The same with cursor and limit where the compiler wants them.
fn bump_loop_in_registers(n: u64) -> u64 {
    let region = region();
    let base = region.as_ptr() as usize;
    let (mut cursor, limit) = (base, base + (1 << 20));
    let mut last = null_mut();
    for i in 0..n {
        if cursor + 32 > limit {
            cursor = base;
        }
        let at = cursor;
        cursor = at + 32;
        // SAFETY: [X3] inside the region.
        unsafe { (at as *mut [u64; 4]).write([0x1234, i, 0, 0]) };
        last = black_box(at as *mut u64);
    }
    // SAFETY: [X3] as above.
    unsafe { last.add(1).read() }
}

fn churn_raw(scale: Scale) -> Outcome {
    let heap = crate::raw_heap(LIMIT);
    let m = heap.attach().expect("attach");
    let n = scale.churn();
    let sample = timed(|| {
        // SAFETY: [X1] this thread's mutator; payloads are written at once.
        unsafe {
            let slot = m.root(null_mut());
            for i in 0..n {
                let object = leaf(m);
                raw::payload(object).cast::<u64>().write(i);
                slot.write_volatile(object);
            }
            raw::payload(*slot).cast::<u64>().read()
        }
    });
    // SAFETY: [X1] as above.
    unsafe { m.detach() };
    Outcome::new(sample, n).stats(heap.stats())
}

fn churn_batch(scale: Scale) -> Outcome {
    let heap = crate::raw_heap(LIMIT);
    let m = heap.attach().expect("attach");
    let n = scale.churn();
    let sample = timed(|| {
        // SAFETY: [X1] as above; nothing but the batch uses the mutator.
        unsafe {
            let slot = m.root(null_mut());
            let mut batch = m.batch();
            for i in 0..n {
                let object = batch.alloc_uninit(&crate::node::NODE);
                assert!(!object.is_null(), "out of memory");
                raw::payload(object).cast::<[u64; 3]>().write([i, 0, 0]);
                slot.write_volatile(object);
            }
            drop(batch);
            raw::payload(*slot).cast::<u64>().read()
        }
    });
    // SAFETY: [X1] as above.
    unsafe { m.detach() };
    Outcome::new(sample, n).stats(heap.stats())
}

fn churn_typed(scale: Scale) -> Outcome {
    let heap = Heap::new(crate::config(LIMIT)).expect("heap");
    let mut mutator = heap.attach().expect("attach");
    let n = scale.churn();
    let sample = timed(|| {
        mutator.scope(|s| {
            let last = s.var::<Node>();
            for i in 0..n {
                let node = Node { value: i, left: Field::null(), right: Field::null() };
                last.alloc(s, node).expect("out of memory");
            }
            last.get(s).expect("set").value
        })
    });
    Outcome::new(sample, n).stats(heap.stats())
}

fn churn_c(scale: Scale, work: impl Fn(*mut c_void, *const TypeInfo, u64) -> bool) -> Outcome {
    let heap = crate::raw_heap(LIMIT);
    let ty = heap.register_type("bench::Inline", &[8, 16], TypeInfo::new("", 24)).expect("type");
    let m = heap.attach().expect("attach");
    let n = scale.churn();
    let sample = timed(|| {
        assert!(work(m.as_ptr().cast(), ty, n), "out of memory");
    });
    // SAFETY: [X1] as above.
    unsafe { m.detach() };
    Outcome::new(sample, n).stats(heap.stats())
}
