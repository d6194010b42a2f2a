#!/usr/bin/env bash
# The weakened twins of the loom claims: each the scenario of a claim with one ordering, fence or step taken away. Each
# must fail inside (they are `should_panic`); their names are printed, so that a claim without a twin is seen.
. "$(dirname "$0")/common.sh"
run=(cargo nextest run --release -p loom-tests --target-dir target/loom -E 'test(twin_)')
RUSTFLAGS="--cfg loom" "${run[@]}" --status-level pass --final-status-level fail
