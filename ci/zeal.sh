#!/usr/bin/env bash
# Collects at every allocation and verifies the heap after every phase. A release build: every allocation costs a
# collection here.
. "$(dirname "$0")/common.sh"
RUSTFLAGS="--cfg gc_zeal" timeout 900 cargo test --release -p handfast --lib --tests --target-dir target/zeal -- --skip programs_that_lose_an_object
