//! Lists of operations on blocks, pools, holes and large objects, against a model (see `tests/block_pool`).

#![no_main]

#[path = "../../tests/block_pool/mod.rs"]
mod block_pool;
#[allow(dead_code, reason = "the part of the crate's own that is of use here")]
#[path = "../../src/heap/mod.rs"]
mod heap;
#[allow(dead_code, unused_imports, reason = "as above")]
#[path = "../../src/object/mod.rs"]
mod object;
#[allow(dead_code, unused_imports, reason = "as above")]
#[path = "../../src/sync/mod.rs"]
mod sync;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| block_pool::run(bytes));
