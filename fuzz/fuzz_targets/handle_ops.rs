//! Lists of operations on handles, through the C interface, against a reference model (see `ffi/tests/handle_ops`).

#![no_main]

#[path = "../../ffi/tests/handle_ops/mod.rs"]
mod handle_ops;

use handfast_c as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| handle_ops::run(bytes));
