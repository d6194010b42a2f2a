#!/usr/bin/env bash
# C extensions that nobody here wrote, unmodified: fetched, compiled, their own test suites recorded on CPython 3.11 and
# replayed. Without a CPython 3.11 with headers, or without the registries, it says so and is done. CPYEXT_SHORT=1, which
# `ci/rungs.sh` sets: three small rungs, and not under gc_zeal, ASan and CPython. What compiles and what records runs at
# the same time: six minutes on two cores.
. "$(dirname "$0")/common.sh"

if ! python=$(bash -c '. cpyext/rungs/common.sh && echo "$python"'); then
    skipped "cpyext: no CPython 3.11 with headers and pip: no extension is built"
    exit 0
fi
export PYTHON311=$python
short=${CPYEXT_SHORT:-}
host=$(rustc -vV | sed -n 's/^host: //p')

# Each cfg has a target directory of its own; what they say is shown when it is waited for.
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
builds() {
    cargo build --release -p handfast-cpyext || return
    [ -z "$short" ] || return 0
    RUSTFLAGS="--cfg gc_zeal" cargo build --release -p handfast-cpyext --target-dir target/zeal || return
    ! have clang || RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
        cargo build -p handfast-cpyext --target "$host" --target-dir target/asan
}
builds >"$logs/builds" 2>&1 &
building=$!

status=0
out=$(timeout 600 cpyext/rungs/fetch.sh 2>&1) || status=$?
echo "$out"
if [ "$status" = 3 ]; then
    skipped "cpyext: the registries gave no sources of the extensions"
    wait "$building" || { cat "$logs/builds"; exit 1; }
    exit 0
fi
[ "$status" = 0 ] || exit "$status"
if grep -q '^SKIPPED' <<<"$out"; then skipped "cpyext: ${out##*SKIPPED: }"; fi

mapfile -t rungs < <("$python" cpyext/rungs/table.py names)
if [ -n "$short" ]; then rungs=(crcmod pycosat kiwisolver); fi
timeout 900 cpyext/record/record.sh "${rungs[@]}"
timeout 600 cpyext/rungs/build.sh cpyext/include:ffi/include target/cpyext/handfast "${rungs[@]}"
wait "$building" || { cat "$logs/builds"; exit 1; }

# Of the recorded calls at least 95 of 100 must be equal, none may differ, and nothing may be left behind.
replay() { # PROGRAM RUNG THREADS [LINES]
    [ -f "$root/target/cpyext/recordings/$2.jsonl" ] || return 0
    timeout 300 "$1" replay "${@:2}"
}
root=$PWD
for rung in "${rungs[@]}"; do replay target/release/handfast-cpyext "$rung" 4; done
[ -z "$short" ] || exit 0
timeout 60 target/release/handfast-cpyext markupsafe cpyext/tests/page.html
timeout 900 cpyext/record/selfcheck.sh

# A minor collection at every allocation, cycles back to back, the verifier after every phase; of the long recordings so
# much as takes half a minute.
for rung in "${rungs[@]}"; do
    case $rung in lru_dict) lines=1500 ;; *) lines=6000 ;; esac
    replay target/zeal/release/handfast-cpyext "$rung" 4 "$lines"
done
RUSTFLAGS="--cfg gc_zeal" timeout 900 cargo test --release -p handfast-cpyext --target-dir target/zeal --test attributes \
    --test extension --test pieces --test subclasses

# The address sanitizer, in the runtime and in the extensions.
if have clang; then
    sanitized=target/cpyext/asan/target/cpyext
    mkdir -p "$sanitized"
    CC=clang CXX=clang++ EXT_CFLAGS=-fsanitize=address \
        cpyext/rungs/build.sh cpyext/include:ffi/include "$sanitized/handfast"
    ln -sfn "$root/target/cpyext/recordings" "$sanitized/recordings"
    # Types and names live for ever: what is left at the end is no leak. Links are counted by the replay itself.
    export ASAN_OPTIONS=detect_leaks=0
    cd target/cpyext/asan
    # It intercepts C++'s exceptions, whose library it has to find when it starts; an extension brings it later.
    LD_PRELOAD=$(c++ -print-file-name=libstdc++.so.6)
    export LD_PRELOAD
    for rung in "${rungs[@]}"; do replay "$root/target/asan/$host/debug/handfast-cpyext" "$rung" 4 3000; done
else
    skipped "cpyext: no clang, so no replay with the address sanitizer"
fi
