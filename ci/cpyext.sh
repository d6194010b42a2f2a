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

# A minor collection at every allocation, and the verifier after every phase.
RUSTFLAGS="--cfg gc_zeal" cargo build -p handfast-cpyext --target-dir target/zeal
for rung in crcmod mmh3 pycosat kiwisolver xxlimited; do
    timeout 300 target/zeal/debug/handfast-cpyext replay "$rung"
done

# The address sanitizer, in the runtime and in the extensions.
if have clang; then
    host=$(rustc -vV | sed -n 's/^host: //p')
    RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo build -p handfast-cpyext --target "$host" --target-dir target/asan
    sanitized=target/cpyext/asan/target/cpyext
    mkdir -p "$sanitized"
    CC=clang CXX=clang++ EXT_CFLAGS=-fsanitize=address \
        cpyext/rungs/build.sh cpyext/include:ffi/include "$sanitized/handfast" crcmod mmh3 lru_dict xxlimited
    ln -sfn "$PWD/target/cpyext/recordings" "$sanitized/recordings"
    program=$PWD/target/asan/$host/debug/handfast-cpyext
    # Types and names live for ever: what is left at the end is no leak. Links are counted by the replay itself.
    for rung in crcmod mmh3 lru_dict xxlimited; do
        (cd target/cpyext/asan && ASAN_OPTIONS=detect_leaks=0 timeout 300 "$program" replay "$rung")
    done
else
    skipped "cpyext: no clang, so no replay with the address sanitizer"
fi
