//! Random op lists, run against a plain reference graph.
//!
//! `HANDFAST_OPS_SEEDS` sets how many lists, `HANDFAST_OPS_SEED` runs one again: a failure names its seed.

mod ops;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The bytes of a seed: xorshift64*.
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    };
    let words = if cfg!(gc_zeal) { 80 } else { 100 + next() as usize % 900 };
    let mut list = vec![];
    for _ in 0..words {
        list.extend(next().to_le_bytes());
    }
    list
}

#[test]
fn random_op_lists_agree_with_a_plain_graph() {
    let default = if cfg!(gc_zeal) { 24 } else { 240 };
    let seeds = match number("HANDFAST_OPS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("HANDFAST_OPS_SEEDS").unwrap_or(default) + 1,
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| ops::run(&bytes(seed)))) {
            eprintln!("HANDFAST_OPS_SEED={seed} fails");
            resume_unwind(panic);
        }
    }
}
