#!/usr/bin/env bash
# Every interleaving of the protocols, within the bounds that loom-tests/README.md gives: the claims. Their weakened twins
# are ci/twins.sh.
. "$(dirname "$0")/common.sh"
RUSTFLAGS="--cfg loom" cargo nextest run --release -p loom-tests --target-dir target/loom -E 'not test(twin_)' \
    --status-level fail --final-status-level slow
