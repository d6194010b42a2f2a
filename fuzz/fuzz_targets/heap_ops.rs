//! Op lists that the fuzzer writes, checked against a plain reference graph: any bytes are a program (see `tests/ops`).
//!
//! `cargo +nightly fuzz run heap_ops -- -max_total_time=60 -max_len=1024`

#![no_main]

#[path = "../../tests/ops/mod.rs"]
mod ops;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ops::run(bytes));
