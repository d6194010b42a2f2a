#!/usr/bin/env bash
# Proves recorder and replayer: replays each recording through the C-API of the CPython that it was recorded on.
#
#   cpyext/record/selfcheck.sh [RUNG...]
#
# Every call must be equal, on one thread and on four, and nothing may be lost. Records what is not recorded yet.
. "$(dirname "$0")/../rungs/common.sh"
rungs=("$@")
[ $# -gt 0 ] || mapfile -t rungs < <(table names)

export PYTHON311=$python
cargo build --quiet --release -p handfast-cpyext-replay --features libpython --target-dir "$work/build"
passed=0
failed=0
for name in "${rungs[@]}"; do
    [ -d "$work/src/$(table get "$name" source)" ] || { echo "SKIPPED: $name: no sources"; continue; }
    recording=$work/recordings/$name.jsonl
    [ -f "$recording" ] || cpyext/record/record.sh "$name"
    leaks=$(table get "$name" loses cpython)
    echo "$name"
    if PYTHONHOME=$("$python" -c 'import sys; print(sys.base_prefix)') timeout 300 "$work/build/release/selfcheck" \
        "$work/cpython/$name" "$(table get "$name" module)" "$recording" "${leaks:-0}" 2>&1 >/dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
done
echo "selfcheck: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
