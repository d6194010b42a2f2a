//! Lists of operations on handles, against a reference model: the fuzzer's committed corpus, and random ones. Needs no
//! fuzzer. `HANDFAST_OPS_SEED=n` runs one random list.

mod handle_ops;

use handfast as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

#[test]
fn every_list_of_the_corpus_agrees_with_the_model() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/handle_ops");
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        eprintln!("{}", path.display());
        handle_ops::run(&std::fs::read(path).unwrap());
        count += 1;
    }
    assert!(count >= 6);
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
    let words = if cfg!(gc_zeal) { 80 } else { 50 + next() as usize % 500 };
    (0..words).flat_map(|_| next().to_le_bytes()).collect()
}

#[test]
fn random_lists_agree_with_the_model() {
    let seeds = match std::env::var("HANDFAST_OPS_SEED").ok().and_then(|s| s.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 1..101,
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| handle_ops::run(&bytes(seed)))) {
            eprintln!("HANDFAST_OPS_SEED={seed} fails");
            resume_unwind(panic);
        }
    }
}
