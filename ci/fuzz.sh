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
logs=target/fuzz/logs
mkdir -p "$logs"
fuzz() {
    # New inputs go to a folder that is not committed; the committed ones are read.
    mkdir -p "target/fuzz/$1"
    cargo fuzz run --target-dir "$dir" "$1" "target/fuzz/$1" "fuzz/corpus/$1" -- \
        -max_total_time="${FUZZ_SECONDS:-60}" -max_len=600 -len_control=0 -timeout=120 -print_final_stats=1 >"$logs/$1" 2>&1
}
# Two at a time.
status=0
targets=()
for target in $(cargo fuzz list); do
    targets+=("$target")
    fuzz "$target" &
    [ $((${#targets[@]} % 2)) = 1 ] || wait
done
wait
for target in "${targets[@]}"; do
    echo "== $target"
    # The statistics come last, and only from a run that found nothing.
    if grep -q '^stat::number_of_executed_units' "$logs/$target" && ! grep -qE '^==[0-9]+==|panicked at' "$logs/$target"; then
        grep '^stat::' "$logs/$target"
    else
        tail -n 60 "$logs/$target"
        status=1
    fi
done
exit $status
