#!/usr/bin/env bash
# The tests that mutate a shared graph while cycles run back to back, a minute each in three settings:
# HANDFAST_STRESS_SECONDS says how long one takes.
. "$(dirname "$0")/common.sh"
export HANDFAST_STRESS_SECONDS="${HANDFAST_STRESS_SECONDS:-20}"
tests=$(grep -l HANDFAST_STRESS_SECONDS tests/*.rs || true)
if [ -z "$tests" ]; then
    skipped "stress: no test under tests/ reads HANDFAST_STRESS_SECONDS"
    exit 0
fi
for test in $tests; do
    timeout 900 cargo test --release -p handfast --test "$(basename "$test" .rs)"
done
