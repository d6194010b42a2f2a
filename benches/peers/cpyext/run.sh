#!/bin/sh
# One C source on CPython and on PyPy, and the same workloads on handfast from C: what the `handle` rows are compared with.
# Needs python3-dev, pypy3-dev.
set -e
cd "$(dirname "$0")"
for python in /usr/bin/python3 pypy3; do
    if ! command -v "$python" >/dev/null; then
        echo "SKIPPED: $python is not installed"
        continue
    fi
    out=../../../target/peers/$(basename "$python")
    mkdir -p "$out"
    include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    suffix=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
    cc -O2 -shared -fPIC -I"$include" pairs.c -o "$out/pairs$suffix"
    "$python" pairs.py "$out"
done
(cd ../../.. && cargo build --release -q -p handfast-ffi)
cc -std=gnu11 -O2 -Wall -Wextra -I../../../ffi/include handfast.c ../../../target/release/libhandfast.a -lpthread -ldl -lm \
    -o ../../../target/peers/handfast
../../../target/peers/handfast
