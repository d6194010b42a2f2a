#!/usr/bin/env bash
# Each fuzz target for a minute (FUZZ_SECONDS says how long), from its committed corpus, with AddressSanitizer and
# `--cfg gc_zeal`: a collection at every allocation, the verifier after every phase. Without zeal the corpora are replayed
# by `cargo test`. Sanitizers are a nightly flag, which the stable compiler takes with RUSTC_BOOTSTRAP=1.
. "$(dirname "$0")/common.sh"
if ! cargo fuzz --version >/dev/null 2>&1; then
    cargo install --quiet --locked cargo-fuzz || {
        skipped "fuzz: cargo-fuzz cannot be installed"
        exit 0
    }
fi
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="--cfg gc_zeal"
dir=fuzz/target/zeal
cargo fuzz build --target-dir $dir
for target in $(cargo fuzz list); do
    # New inputs go to a folder that is not committed; the committed ones are read.
    mkdir -p "target/fuzz/$target"
    cargo fuzz run --target-dir $dir "$target" "target/fuzz/$target" "fuzz/corpus/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-60}" -max_len=600 -len_control=0 -timeout=120 -print_final_stats=1
done
