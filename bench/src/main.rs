//! `cargo run --release -p handfast-bench -- [ROUNDS]`: the first workloads on handfast, on mimalloc and on the bare
//! machine, interleaved in one run. Prints medians of the rounds, and ratios: the machine may be busy, the ratios hold.
//!
//! - churn: allocate 32-byte objects and keep the last one;
//! - trees: binary trees of depth 18 (68 million nodes), bottom up, one and two threads with trees of their own.

mod malloc;
mod node;

use handfast::raw::{self, TypeInfo};
use handfast::{Config, Field, Heap};
use node::{NODE, Node, leaf, raw_check, raw_tree, typed_check, typed_tree};
use std::hint::black_box;
use std::ptr::null_mut;
use std::thread;
use std::time::Instant;

const CHURN: u64 = 100_000_000;
const DEPTH: u32 = 18;

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

struct Row {
    name: &'static str,
    run: Box<dyn Fn() -> u64>,
    seconds: Vec<f64>,
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn main() {
    let rounds: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(3);
    let only = std::env::args().nth(2).unwrap_or_default();
    // 3 times what lives at the peak: depth 18 and 19 together hold 1.5 million nodes of 32 bytes.
    let nursery_bytes = std::env::var("NURSERY").ok().and_then(|n| n.parse().ok()).unwrap_or(1 << 20);
    let config = Config { max_heap_bytes: 160 << 20, nursery_bytes, ..Config::default() };
    let two = Config { max_heap_bytes: 320 << 20, ..config.clone() };
    let raw_heap = move |config: &Config| raw::Heap::new(config).expect("heap");
    let typed_heap = move |config: &Config| Heap::new(config.clone()).expect("heap");
    let row = |name, run: Box<dyn Fn() -> u64>| Row { name, run, seconds: vec![] };
    let (c1, c2, c3, c4, c5) = (config.clone(), config.clone(), config.clone(), config, two);
    let mut rows = vec![
        row("churn: bump loop, cursor in memory", Box::new(|| bump_loop(CHURN))),
        row("churn: handfast, raw", Box::new(move || churn_raw(&raw_heap(&c1)))),
        row("churn: handfast, typed", Box::new(move || churn_typed(&typed_heap(&c2)))),
        row("churn: mimalloc", Box::new(|| malloc::churn(CHURN))),
        row("trees: handfast, raw", Box::new(move || trees_raw(&raw_heap(&c3)))),
        row("trees: handfast, typed", Box::new(move || trees_typed(&typed_heap(&c4)))),
        row("trees: mimalloc", Box::new(trees_malloc)),
        row("trees: handfast, raw, two threads", Box::new(move || {
            let heap = raw_heap(&c5);
            twice(|| trees_raw(&heap))
        })),
        row("trees: mimalloc, two threads", Box::new(|| twice(trees_malloc))),
    ];
    rows.retain(|row| row.name.contains(&only));
    for round in 0..rounds {
        for row in &mut rows {
            let start = Instant::now();
            black_box((row.run)());
            row.seconds.push(start.elapsed().as_secs_f64());
            eprintln!("round {} {:<42} {:.3} s", round + 1, row.name, row.seconds.last().expect("pushed"));
        }
    }
    let of = |name: &str| rows.iter().find(|r| r.name == name).map(|r| median(&r.seconds));
    println!("{:<42} {:>9} {:>9}", "workload", "median s", "ratio");
    for row in &rows {
        let base = if row.name.starts_with("churn") { "churn: bump loop, cursor in memory" } else { "trees: mimalloc" };
        let m = median(&row.seconds);
        let ratio = of(base).map_or(String::new(), |b| format!("{:9.2}", m / b));
        println!("{:<42} {m:9.3} {ratio}", row.name);
    }
    if let (Some(one), Some(two)) = (of("trees: handfast, raw"), of("trees: handfast, raw, two threads")) {
        println!("two threads have {:.2} times the throughput of one", 2.0 * one / two);
    }
    let _: &TypeInfo = &NODE;
}
