//! W3: binary trees, bottom up, on one thread and on more, each with trees of its own. The limit takes its nodes from a
//! region that is taken back whole when a tree is done.

use crate::malloc;
use crate::node::{raw_check, raw_tree, typed_check, typed_tree};
use crate::outcome::Outcome;
use crate::own::Own;
use crate::region::Region;
use crate::row::timed;
use crate::workload::Scale;
use handfast::Heap;
use handfast::raw;
use std::ptr::null_mut;
use std::thread;

/// The systems.
pub fn own() -> Vec<Own> {
    let own = |id, threads: usize| {
        vec![
            Own::handfast(id, "handfast raw", REGION, move |scale| raw_threads(scale.depth(), threads)),
            Own::handfast(id, "handfast typed", REGION, move |scale| typed_threads(scale.depth(), threads)),
            Own::peer(id, "mimalloc static", move |scale| malloc_threads(scale.depth(), threads)),
            Own::limit(id, REGION, move |scale| region_threads(scale.depth(), threads)),
        ]
    };
    let mut all = own("w3", 1);
    all.extend(own("w3x2", 2));
    all.extend([
        Own::handfast("by-threads", "handfast raw", "", |scale| raw_threads(16, scale.x as usize)),
        Own::peer("by-threads", "mimalloc static", |scale| malloc_threads(16, scale.x as usize)),
    ]);
    all
}

const REGION: &str = "nodes in a region";

fn raw_threads(depth: u32, threads: usize) -> Outcome {
    let heap = raw::Heap::new(&crate::paced(threads * Scale::trees_limit(depth))).expect("heap");
    on_threads(depth, threads, || trees_raw(&heap, depth)).stats(heap.stats())
}

fn typed_threads(depth: u32, threads: usize) -> Outcome {
    let heap = Heap::new(crate::paced(threads * Scale::trees_limit(depth))).expect("heap");
    on_threads(depth, threads, || trees_typed(&heap, depth)).stats(heap.stats())
}

fn malloc_threads(depth: u32, threads: usize) -> Outcome {
    on_threads(depth, threads, || trees_malloc(depth))
}

fn region_threads(depth: u32, threads: usize) -> Outcome {
    on_threads(depth, threads, || trees_region(depth))
}

fn on_threads(depth: u32, threads: usize, work: impl Fn() -> u64 + Sync) -> Outcome {
    let nodes = Scale::nodes(depth);
    let sample = timed(|| {
        thread::scope(|s| {
            let others: Vec<_> = (1..threads).map(|_| s.spawn(&work)).collect();
            assert_eq!(work(), nodes);
            others.into_iter().for_each(|other| assert_eq!(other.join().expect("a thread"), nodes));
        });
    });
    Outcome::new(sample, nodes * threads as u64)
}

/// The short-lived trees, by a function that makes one and counts its nodes.
fn short_lived(max: u32, mut one: impl FnMut(u32) -> u64) -> u64 {
    let mut sum = 0;
    for depth in (4..=max).step_by(2) {
        for _ in 0..1u64 << (max - depth + 4) {
            sum += one(depth);
        }
    }
    sum
}

fn trees_raw(heap: &raw::Heap, depth: u32) -> u64 {
    let m = heap.attach().expect("attach");
    // SAFETY: [X1] this thread's mutator.
    unsafe {
        let stretch = raw_check(m, raw_tree(m, depth + 1));
        let long_lived = m.root(raw_tree(m, depth));
        let sum = stretch + short_lived(depth, |depth| raw_check(m, raw_tree(m, depth))) + raw_check(m, *long_lived);
        m.detach();
        sum
    }
}

fn trees_typed(heap: &Heap, depth: u32) -> u64 {
    let mut mutator = heap.attach().expect("attach");
    mutator.scope(|s| {
        let one = |s: &mut handfast::Scope<'_>, depth| {
            s.scope(|t| {
                let tree = typed_tree(t, depth);
                typed_check(tree.get(t))
            })
        };
        let stretch = one(s, depth + 1);
        let long_lived = typed_tree(s, depth);
        stretch + short_lived(depth, |depth| one(s, depth)) + typed_check(long_lived.get(s))
    })
}

fn trees_malloc(depth: u32) -> u64 {
    let one = |depth| {
        // SAFETY: [X2] the tree is checked and freed once.
        unsafe {
            let tree = malloc::tree(depth);
            let nodes = malloc::check(tree);
            malloc::free(tree);
            nodes
        }
    };
    let stretch = one(depth + 1);
    // SAFETY: [X2] as above.
    unsafe {
        let long_lived = malloc::tree(depth);
        let sum = stretch + short_lived(depth, one) + malloc::check(long_lived);
        malloc::free(long_lived);
        sum
    }
}

/// A node of the limit: a header, a word and two references, as everywhere.
#[repr(C)]
struct Plain([u64; 2], *mut Plain, *mut Plain);

fn tree(nodes: &mut Region<Plain>, depth: u32) -> *mut Plain {
    let (left, right) =
        if depth == 0 { (null_mut(), null_mut()) } else { (tree(nodes, depth - 1), tree(nodes, depth - 1)) };
    nodes.node(Plain([0x1234, 0], left, right))
}

fn count(node: *const Plain) -> u64 {
    // SAFETY: [X3] a node of a region that still has its capacity.
    let node = unsafe { &*node };
    if node.1.is_null() { 1 } else { 1 + count(node.1) + count(node.2) }
}

fn trees_region(depth: u32) -> u64 {
    let mut short = Region::for_depth(depth + 1);
    let mut one = |depth| {
        short.clear();
        count(tree(&mut short, depth))
    };
    let stretch = one(depth + 1);
    let mut long = Region::for_depth(depth);
    let long_lived = tree(&mut long, depth);
    stretch + short_lived(depth, one) + count(long_lived)
}
