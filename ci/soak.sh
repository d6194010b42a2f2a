#!/usr/bin/env bash
# Threads that use heaps in every way and check all that they read, and that resident memory stays flat: SOAK_SECONDS (30).
. "$(dirname "$0")/common.sh"
cargo build --release --example soak
seconds="${SOAK_SECONDS:-30}"
timeout $((seconds + 300)) target/release/examples/soak "$seconds"
