//! Lists of bytes for tests that run what a fuzz target runs, without a fuzzer: the target's committed corpus, and random
//! lists. `HANDFAST_OPS_SEEDS` sets how many random lists, `HANDFAST_OPS_SEED` runs one again: a failure names its seed.

#![allow(dead_code, reason = "each test uses a part")]

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// Inputs that a committed corpus has at least.
const FEWEST: usize = 6;

/// Calls `run` with each input of the corpus of a fuzz target. `package`: the folder of the package that asks.
pub fn corpus(package: &str, target: &str, run: impl Fn(&[u8])) {
    let folders = Path::new(package).ancestors().map(|folder| folder.join("fuzz/corpus").join(target));
    let folder = folders.into_iter().find(|folder| folder.is_dir()).expect("the corpus of the fuzz target");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus can be read") {
        let path = entry.expect("the corpus can be read").path();
        eprintln!("{}", path.display());
        run(&std::fs::read(path).expect("an input"));
        count += 1;
    }
    assert!(count >= FEWEST, "{count} inputs for {target}");
}

/// Calls `run` with `count` random lists of so many words of four bytes.
pub fn random(count: u64, words: Range<usize>, run: impl Fn(&[u8])) {
    let seeds = match number("HANDFAST_OPS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("HANDFAST_OPS_SEEDS").unwrap_or(count) + 1,
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(&bytes(seed, &words)))) {
            eprintln!("HANDFAST_OPS_SEED={seed} fails");
            resume_unwind(panic);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The bytes of a seed: xorshift64* (Vigna, 2016).
fn bytes(seed: u64, words: &Range<usize>) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    };
    let length = words.start + next() as usize % words.len();
    (0..length).flat_map(|_| next().to_le_bytes()).collect()
}
