//! Binary trees: many short-lived ones beside one that lives long. The classic load of a generational collector.
//!
//! `cargo run --release --example tree -- [DEPTH]` (default 16)

use handfast::{Config, Error, Field, Heap, Local, Ref, Scope, Trace};

#[derive(Trace)]
struct Tree {
    left: Field<Tree>,
    right: Field<Tree>,
}

/// A full tree of this depth. The roots of the parts go with the inner scope; the whole is rooted in `s`.
fn build<'s>(s: &mut Scope<'s>, depth: u32) -> Result<Local<'s, Tree>, Error> {
    s.escape(|t| {
        let tree = t.alloc(Tree { left: Field::null(), right: Field::null() })?;
        if depth > 0 {
            let left = build(t, depth - 1)?;
            t.set(tree, |n| &n.left, left);
            let right = build(t, depth - 1)?;
            t.set(tree, |n| &n.right, right);
        }
        Ok(tree)
    })
}

/// The number of nodes.
fn count(tree: Option<Ref<'_, Tree>>) -> u64 {
    match tree {
        Some(tree) => 1 + count(tree.get(|n| &n.left)) + count(tree.get(|n| &n.right)),
        None => 0,
    }
}

fn main() -> Result<(), Error> {
    let depth = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(16_u32).clamp(4, 24);
    let heap = Heap::new(Config::default())?;
    let mut mutator = heap.attach()?;
    mutator.scope(|s| {
        let long_lived = build(s, depth)?;
        for short in (4..=depth).step_by(4) {
            let rounds = 1_u64 << (depth - short + 4);
            let mut nodes = 0;
            for _ in 0..rounds {
                nodes += s.scope(|t| {
                    let tree = build(t, short)?;
                    Ok::<u64, Error>(count(Some(tree.get(t))))
                })?;
            }
            println!("{rounds:>8} trees of depth {short:>2}: {nodes} nodes");
            assert_eq!(nodes, rounds * ((2 << short) - 1));
        }
        let nodes = count(Some(long_lived.get(s)));
        println!("long-lived tree of depth {depth}: {nodes} nodes");
        assert_eq!(nodes, (2 << depth) - 1);
        Ok::<(), Error>(())
    })?;
    let stats = heap.stats();
    println!(
        "{} minor collections, {} cycles, longest pause {} us",
        stats.minor_collections,
        stats.cycles,
        stats.longest_pause_ns / 1000
    );
    Ok(())
}
