#!/usr/bin/env bash
# The oldest compiler that Cargo.toml promises still does. Clippy denies what the standard library got later
# (incompatible_msrv); the compiler itself is asked where rustup has it.
. "$(dirname "$0")/common.sh"
oldest=$(msrv)
[ -n "$oldest" ]
cargo clippy --workspace --lib -- -A warnings -D clippy::incompatible_msrv
echo "clippy: nothing that is newer than Rust $oldest"
if rustup run "$oldest" rustc --version 2>/dev/null; then
    cargo "+$oldest" check --workspace --lib --locked --target-dir target/msrv
    echo "Rust $oldest compiles the workspace"
else
    skipped "msrv: rustup has no toolchain $oldest (rustup toolchain install $oldest --profile minimal)"
fi
