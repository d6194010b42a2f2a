//! `cargo run --release -p handfast-bench -- [ROUNDS] [PART OF A NAME]`: workloads on handfast, on mimalloc and on the bare
//! machine, interleaved in one run. Prints medians of the rounds, and ratios: the machine may be busy, the ratios hold.
//!
//! | file | what |
//! |---|---|
//! | `churn.rs` | allocation of objects that die at once |
//! | `trees.rs` | allocation, minor collections and cycles, one thread and two |
//! | `handle.rs` | making, finding, counting and dropping `PyObject`s |
//! | `crossing.rs` | from C to the heap and back, through the C functions, and between threads |
//! | `slab.rs` | memory of `PyObject`s alone: one thread allocates and another frees; footprint |
//! | `links.rs` | millions of live links: what they cost and what they add to pauses (`-- 1 links:`, run by itself) |

mod churn;
mod crossing;
mod handle;
mod links;
mod malloc;
mod node;
mod row;
mod slab;
mod trees;

use handfast::{Config, raw};

/// A configuration with a limit in MiB: about three times what lives at the peak, which collectors of the whole heap
/// would use up before they begin. So may ours.
fn config(limit: usize) -> Config {
    let env = |name: &str, default: usize| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    Config {
        max_heap_bytes: limit << 20,
        growth_percent: env("GROWTH", 200) as u32,
        nursery_bytes: env("NURSERY", 1 << 10) << 10,
        max_nursery_bytes: env("NURSERY_MAX", 0) << 10,
        min_trigger_bytes: env("TRIGGER", 64) << 20,
        ..Config::default()
    }
}

fn raw_heap(limit: usize) -> raw::Heap {
    raw::Heap::new(&config(limit)).expect("heap")
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let ["footprint", of] = arguments[1..].iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return slab::footprint_child(of);
    }
    let rounds: usize = arguments.get(1).and_then(|a| a.parse().ok()).unwrap_or(3);
    let only = arguments.get(2).map_or("", String::as_str);
    let mut rows = churn::rows();
    rows.extend(trees::rows());
    rows.extend(handle::rows());
    rows.extend(crossing::rows());
    rows.extend(slab::rows());
    // A filter that ends with `$` names a row.
    rows.retain(|row| only.strip_suffix('$').map_or(row.name.contains(only), |name| row.name == name));
    for round in 1..=rounds.max(1) {
        rows.iter_mut().for_each(|row| row.round(round));
    }
    row::print(&rows);
    trees::summary(&rows);
    if "footprint".contains(only) {
        slab::footprint();
    }
    if only.starts_with("links") {
        links::run();
    }
}
