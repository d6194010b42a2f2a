//! Configurations: the fuzzer's committed corpus, and random ones. Needs no fuzzer.

#[allow(dead_code, reason = "what configurations need of it")]
#[path = "handle_ops/c.rs"]
mod c;
mod config_ops;

use handfast as _;

#[test]
fn every_configuration_of_the_corpus_is_taken_or_refused() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/config");
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        eprintln!("{}", path.display());
        config_ops::run(&std::fs::read(path).unwrap());
        count += 1;
    }
    assert!(count >= 6);
}

#[test]
fn random_configurations_are_taken_or_refused() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..200 {
        let bytes: Vec<u8> = (0..16)
            .flat_map(|_| {
                state ^= state >> 12;
                state ^= state << 25;
                state ^= state >> 27;
                (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32).to_le_bytes()
            })
            .collect();
        config_ops::run(&bytes);
    }
}
