#!/usr/bin/env bash
# Each fuzz target for a minute (FUZZ_SECONDS says how long), from its committed corpus. Needs cargo-fuzz and a nightly compiler.
. "$(dirname "$0")/common.sh"
if [ ! -e fuzz/Cargo.toml ]; then
    skipped "fuzz: there are no fuzz targets"
elif ! cargo fuzz --version >/dev/null 2>&1; then
    skipped "fuzz: cargo-fuzz is not installed (cargo install --locked cargo-fuzz)"
elif ! rustc +nightly --version >/dev/null 2>&1; then
    skipped "fuzz: no nightly compiler (rustup toolchain install nightly --profile minimal)"
else
    for target in $(cargo +nightly fuzz list); do
        # New inputs go to a folder that is not committed; the committed ones are read.
        mkdir -p "target/fuzz/$target" "fuzz/corpus/$target"
        cargo +nightly fuzz run "$target" "target/fuzz/$target" "fuzz/corpus/$target" -- \
            -max_total_time="${FUZZ_SECONDS:-60}" -max_len=512 -print_final_stats=1
    done
fi
