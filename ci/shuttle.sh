#!/usr/bin/env bash
# Whole cycles over tiny heaps in random schedules, some 15,000 of them (HANDFAST_SHUTTLE_ITERATIONS: of each scenario),
# then three of the bugs that planted.py plants, to be found. A failure prints how to repeat it: shuttle-tests/README.md.
. "$(dirname "$0")/common.sh"
# Debug assertions as well: they say early what goes wrong.
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
RUSTFLAGS="--cfg shuttle" timeout 1200 cargo nextest run --release -p shuttle-tests --target-dir target/shuttle \
    --status-level fail --final-status-level slow --no-fail-fast
timeout 2400 shuttle-tests/planted.py deletion-barrier leaves-and-publishes-the-dead nobody-is-woken
