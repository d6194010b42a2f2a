//! Binary trees of depth 18 (68 million nodes), bottom up, one and two threads with trees of their own: handfast against
//! mimalloc.

use crate::malloc;
use crate::node::{raw_check, raw_tree, typed_check, typed_tree};
use crate::row::{Row, timed};
use handfast::Heap;
use handfast::raw;
use std::thread;

const DEPTH: u32 = 18;
const NODES: u64 = 68_332_206;
const BASE: &str = "trees: mimalloc";
const ONE: &str = "trees: handfast, raw";
const TWO: &str = "trees: handfast, raw, two threads";
/// MiB: 3 times what lives at the peak: depth 18 and 19 together hold 1.5 million nodes of 32 bytes.
const LIMIT: usize = 160;

/// The rows.
pub fn rows() -> Vec<Row> {
    let row = |name, run: fn() -> u64| Row::new(name, BASE, NODES, move || timed(run));
    vec![
        row(ONE, || trees_raw(&crate::raw_heap(LIMIT))),
        row("trees: handfast, typed", || trees_typed(&Heap::new(crate::config(LIMIT)).expect("heap"))),
        row(BASE, trees_malloc),
        row(TWO, || {
            let heap = crate::raw_heap(2 * LIMIT);
            twice(|| trees_raw(&heap))
        }),
        row("trees: mimalloc, two threads", || twice(trees_malloc)),
    ]
}

/// How two threads with trees of their own compare with one.
pub fn summary(rows: &[Row]) {
    let of = |name| rows.iter().find(|row| row.name == name).map(|row| row.median().wall);
    if let (Some(one), Some(two)) = (of(ONE), of(TWO)) {
        println!("two threads have {:.2} times the throughput of one", 2.0 * one / two);
    }
}

fn trees(build_and_check: impl Fn(u32) -> u64, keep: impl FnOnce() -> u64) -> u64 {
    let mut sum = build_and_check(DEPTH + 1);
    let mut depth = 4;
    while depth <= DEPTH {
        for _ in 0..1u64 << (DEPTH - depth + 4) {
            sum += build_and_check(depth);
        }
        depth += 2;
    }
    sum + keep()
}

fn trees_raw(heap: &raw::Heap) -> u64 {
    let m = heap.attach().expect("attach");
    // SAFETY: [X1] this thread's mutator.
    unsafe {
        let long_lived = m.root(raw_tree(m, DEPTH));
        let sum = trees(|depth| raw_check(m, raw_tree(m, depth)), || raw_check(m, *long_lived));
        m.detach();
        sum
    }
}

fn trees_typed(heap: &Heap) -> u64 {
    let mut mutator = heap.attach().expect("attach");
    mutator.scope(|s| {
        let long_lived = typed_tree(s, DEPTH);
        let mut sum = 0;
        let mut one = |s: &mut handfast::Scope<'_>, depth| {
            sum += s.scope(|t| {
                let tree = typed_tree(t, depth);
                typed_check(t, t.borrow(tree))
            })
        };
        one(s, DEPTH + 1);
        let mut depth = 4;
        while depth <= DEPTH {
            for _ in 0..1u64 << (DEPTH - depth + 4) {
                one(s, depth);
            }
            depth += 2;
        }
        sum + typed_check(s, s.borrow(long_lived))
    })
}

fn trees_malloc() -> u64 {
    // SAFETY: [X2] each tree is checked and freed once.
    unsafe {
        let long_lived = malloc::tree(DEPTH);
        trees(
            |depth| {
                let tree = malloc::tree(depth);
                let nodes = malloc::check(tree);
                malloc::free(tree);
                nodes
            },
            || {
                let nodes = malloc::check(long_lived);
                malloc::free(long_lived);
                nodes
            },
        )
    }
}

fn twice(f: impl Fn() -> u64 + Sync) -> u64 {
    thread::scope(|s| {
        let other = s.spawn(&f);
        let mine = f();
        assert_eq!(other.join().expect("the other thread"), mine);
        mine
    })
}
