#!/usr/bin/env bash
# Collects at every allocation and verifies the heap after every phase. A release build: every allocation costs a
# collection here. Left out: what compiles programs (nothing is collected there), and the index in heaps of a few MB,
# which is about memory that is just enough; what is promoted at every allocation needs more.
. "$(dirname "$0")/common.sh"
RUSTFLAGS="--cfg gc_zeal" timeout 1800 cargo test --release -p handfast --lib --tests --target-dir target/zeal -- \
    --skip programs_that_lose_an_object --skip the_sources_of_this_crate --skip a_generated_folder_in_a_small_heap
