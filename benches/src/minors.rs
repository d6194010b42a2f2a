//! Minor collections and publication: what they cost by what survives, and that neither the size of the old generation nor
//! the number of old links adds to it. Each is an affair of one thread, so the figures are its CPU time.

use crate::handle::SIZE;
use crate::node::leaf;
use crate::outcome::Outcome;
use crate::own::Own;
use crate::row::{Sample, thread_cpu};
use crate::table::{ENTRY, entry};
use crate::workload::Scale;
use handfast::Config;
use handfast::raw::{Heap, LinkFlags, Mutator, Object, PyObject, TypeInfo};
use std::hint::black_box;
use std::ptr::null_mut;
use std::time::Instant;

static LIST: TypeInfo = TypeInfo::new("bench::Roots", 0).with_ref_items();
static LINKED: TypeInfo = TypeInfo::new("bench::Linked", 24).with_refs(&[0]).with_handle_slot(8);
/// Bytes of a node with its header.
const NODE_BYTES: usize = 32;

/// The systems.
pub fn own() -> Vec<Own> {
    vec![
        Own::handfast("minor", "handfast raw", COPY, all_survive),
        Own::limit("minor", COPY, copied),
        Own::handfast("publish", "handfast raw", "", published),
        Own::handfast("by-old", "handfast raw", "", |scale| minors(scale, |m| old(m, (scale.x as usize) << 20))),
        Own::handfast("by-links", "handfast raw", "", |scale| minors(scale, |m| links(m, scale.x as usize))),
        Own::handfast("by-survival", "handfast raw", "", by_survival),
    ]
}

const COPY: &str = "copied by memcpy";

/// On a heap that gives no memory back: the operating system's first page is not the question here.
fn with_heap(limit: usize, work: impl FnOnce(Mutator) -> Sample) -> Sample {
    with_config(&Config { reserve_bytes: limit << 20, ..crate::config(limit) }, work)
}

fn with_config(config: &Config, work: impl FnOnce(Mutator) -> Sample) -> Sample {
    let heap = Heap::new(config).expect("heap");
    let m = heap.attach().expect("attach");
    let sample = work(m);
    // SAFETY: [X1] this thread's mutator.
    unsafe { m.detach() };
    sample
}

/// Adds what a part of a run took this thread.
fn add<R>(sum: &mut Sample, work: impl FnOnce() -> R) {
    let (start, before) = (Instant::now(), thread_cpu());
    black_box(work());
    sum.cpu += thread_cpu() - before;
    sum.wall += start.elapsed().as_secs_f64();
}

fn cpu_each(sample: Sample, ops: u64) -> Outcome {
    Outcome::new(sample, ops).figure(sample.cpu * 1e9 / ops as f64)
}

const NONE: Sample = Sample { wall: 0.0, cpu: 0.0 };

/// A balanced tree of this depth that is rooted in `slot`.
unsafe fn tree_into(m: Mutator, slot: *mut *mut Object, depth: u32) {
    // SAFETY: [X1] the caller's mutator; the slot is a root.
    unsafe { *slot = crate::node::raw_tree(m, depth) };
}

/// A tree of half a MiB, all of which survives; the time of the minor collection alone.
fn all_survive(scale: Scale) -> Outcome {
    const DEPTH: u32 = 13;
    let nodes = (2usize << DEPTH) - 1;
    let rounds = if scale.quick { 200 } else { 2000 };
    let sample = with_heap(1024, |m| {
        let mut sum = NONE;
        // SAFETY: [X1] this thread's mutator; the tree is rooted.
        unsafe {
            let root = m.root(null_mut());
            for counts in [false, true] {
                for _ in 0..rounds {
                    m.collect_minor();
                    tree_into(m, root, DEPTH);
                    if counts {
                        add(&mut sum, || m.collect_minor());
                    }
                }
            }
        }
        sum
    });
    cpu_each(sample, (rounds * nodes * NODE_BYTES) as u64)
}

fn copied(scale: Scale) -> Outcome {
    let words = (1 << 19) / 8;
    let rounds = if scale.quick { 200 } else { 2000 };
    let (from, mut to) = (vec![1u64; words], vec![0u64; words * 64]);
    let mut sample = NONE;
    add(&mut sample, || {
        for round in 0..rounds {
            let at = round % 64 * words;
            black_box(&mut to)[at..at + words].copy_from_slice(black_box(&from));
        }
    });
    cpu_each(sample, (rounds * words * 8) as u64)
}

/// Lists of a thousand private young objects; the publication alone.
fn published(scale: Scale) -> Outcome {
    const LENGTH: usize = 1000;
    let rounds = if scale.quick { 2000 } else { 20_000 };
    let sample = with_heap(512, |m| {
        let mut sum = NONE;
        // SAFETY: [X1] this thread's mutator; what is kept over allocations is rooted.
        unsafe {
            let head = m.root(null_mut());
            for _ in 0..rounds {
                *head = null_mut();
                for _ in 0..LENGTH {
                    let node = leaf(m);
                    m.store(node, 8, *head);
                    *head = node;
                }
                add(&mut sum, || m.publish(*head));
            }
        }
        sum
    });
    cpu_each(sample, (rounds * LENGTH) as u64)
}

/// Old objects of this many bytes together.
fn old(m: Mutator, bytes: usize) {
    let count = bytes / ENTRY_BYTES;
    // SAFETY: [X1] this thread's mutator; the list is rooted for good.
    unsafe {
        let list = m.root(m.alloc_items(&LIST, count.max(1)));
        for i in 0..count {
            let object = entry(m, i as u64);
            m.store(*list, i * 8, object);
        }
    }
}

const ENTRY_BYTES: usize = 112;
const _: () = assert!(ENTRY.size() + 8 == ENTRY_BYTES, "the header has eight bytes");

/// Old objects that C holds.
fn links(m: Mutator, count: usize) {
    // SAFETY: [X1] this thread's mutator; the references are never dropped.
    unsafe {
        let list = m.root(m.alloc_items(&LIST, count.max(1)));
        for i in 0..count {
            let object = m.alloc(&LINKED);
            m.store(*list, i * 8, object);
            black_box::<*mut PyObject>(m.handle(object, SIZE, null_mut(), LinkFlags::LIGHT));
        }
    }
}

/// Minor collections, each with a tree of 64 KiB that survives, after `prepare`; in microseconds each. No cycle begins by
/// itself: while one runs, a minor collection also marks the lines of what it promotes, and a cycle takes the longer the more
/// is old. And the nursery is of one size and has forgotten what survived of what `prepare` made: where nearly everything
/// does, it is promoted in place, and a collection before the nursery is full does not change that.
fn minors(scale: Scale, prepare: impl FnOnce(Mutator)) -> Outcome {
    let rounds = if scale.quick { 200 } else { 2000 };
    let limit = crate::config(2048);
    let config = Config {
        reserve_bytes: limit.max_heap_bytes,
        min_trigger_bytes: 2 * limit.max_heap_bytes,
        max_nursery_bytes: limit.nursery_bytes,
        ..limit
    };
    let sample = with_config(&config, |m| {
        prepare(m);
        for _ in 0..4 * config.nursery_bytes / NODE_BYTES {
            // SAFETY: [X1] this thread's mutator; nothing is kept.
            black_box(unsafe { leaf(m) });
        }
        let mut sum = NONE;
        // SAFETY: [X1] this thread's mutator; the tree is rooted.
        unsafe {
            let root = m.root(null_mut());
            // The first time touches the memory, the second is what counts.
            for counts in [false, true] {
                for _ in 0..rounds {
                    m.collect_minor();
                    tree_into(m, root, 10);
                    if counts {
                        add(&mut sum, || m.collect_minor());
                    }
                }
                *root = null_mut();
                m.collect_full();
            }
        }
        sum
    });
    Outcome::new(sample, rounds).figure(sample.cpu * 1e6 / rounds as f64)
}

/// A ring of objects keeps a part of those that are allocated until the next collection or two; minors included.
fn by_survival(scale: Scale) -> Outcome {
    let n: u64 = if scale.quick { 2_000_000 } else { 20_000_000 };
    let percent = scale.x as u64;
    let sample = with_heap(256, |m| {
        let mut sum = NONE;
        add(&mut sum, || {
            // SAFETY: [X1] this thread's mutator; what survives hangs on a root, a list that is dropped now and then.
            unsafe {
                let kept = m.root(null_mut());
                for i in 0..n {
                    let node = leaf(m);
                    if i % 100 < percent {
                        m.store(node, 8, *kept);
                        *kept = node;
                    }
                    if i % 1_000_000 == 0 {
                        *kept = null_mut();
                    }
                }
            }
        });
        sum
    });
    cpu_each(sample, n)
}
