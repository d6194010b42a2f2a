//! Any configuration: a heap is made and works, or is refused with a clear error (see `ffi/tests/config_ops`).

#![no_main]

#[allow(dead_code, reason = "what configurations need of it")]
#[path = "../../ffi/tests/handle_ops/c.rs"]
mod c;
#[path = "../../ffi/tests/config_ops/mod.rs"]
mod config_ops;

use handfast_c as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| config_ops::run(bytes));
