#!/usr/bin/env bash
# The README's first command, on this repository; then the smaller examples.
. "$(dirname "$0")/common.sh"
cargo build --release --examples
for source in examples/*/main.rs examples/*.rs; do
    [ -e "$source" ] || continue
    name=$(basename "$source" .rs)
    [ "$name" != main ] || name=$(basename "$(dirname "$source")")
    # The soak has a stage of its own.
    [ "$name" != soak ] || continue
    echo "== $name"
    timeout 300 cargo run --quiet --release --example "$name"
done
