#!/usr/bin/env bash
# No warning of rustc or clippy in anything that is compiled: with each feature, and under each cfg.
. "$(dirname "$0")/common.sh"

cargo clippy --workspace --all-targets -- -D warnings
cargo clippy --workspace --all-targets --features handfast/tracing,handfast-ffi/debug -- -D warnings
RUSTFLAGS="--cfg gc_zeal" cargo clippy -p handfast --all-targets --target-dir target/zeal -- -D warnings
RUSTFLAGS="--cfg loom" cargo clippy --release -p loom-tests --all-targets --target-dir target/loom -- -D warnings
RUSTFLAGS="--cfg shuttle" cargo clippy --release -p shuttle-tests --all-targets --target-dir target/shuttle -- -D warnings
