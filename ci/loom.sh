#!/usr/bin/env bash
# Every interleaving of the protocols, within the bounds that loom-tests/README.md gives.
. "$(dirname "$0")/common.sh"
RUSTFLAGS="--cfg loom" cargo nextest run --release -p loom-tests --target-dir target/loom --status-level fail --final-status-level slow
