#!/usr/bin/env bash
# C extensions that nobody here wrote, unmodified: fetched, compiled, their own test suites recorded on CPython 3.11 and
# replayed. Without a CPython 3.11 with headers, or without the registries, it says so and is done.
. "$(dirname "$0")/common.sh"

if ! python=$(bash -c '. cpyext/rungs/common.sh && echo "$python"'); then
    skipped "cpyext: no CPython 3.11 with headers and pip: no extension is built"
    exit 0
fi
export PYTHON311=$python

status=0
out=$(timeout 600 cpyext/rungs/fetch.sh 2>&1) || status=$?
echo "$out"
if [ "$status" = 3 ]; then
    skipped "cpyext: the registries gave no sources of the extensions"
    exit 0
fi
[ "$status" = 0 ] || exit "$status"
if grep -q '^SKIPPED' <<<"$out"; then skipped "cpyext: ${out##*SKIPPED: }"; fi

timeout 900 cpyext/record/record.sh
timeout 900 cpyext/record/selfcheck.sh

# The same extensions on handfast: each must replay at least 95 of 100 recorded calls, with no difference, on one thread
# and on four, and leave no link behind.
timeout 600 cpyext/rungs/build.sh cpyext/include:ffi/include target/cpyext/handfast
cargo build --release -p handfast-cpyext
for rung in $("$python" cpyext/rungs/table.py names); do
    timeout 300 target/release/handfast-cpyext replay "$rung" 4
done
timeout 60 target/release/handfast-cpyext markupsafe cpyext/tests/page.html
