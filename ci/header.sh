#!/usr/bin/env bash
# ffi/include/handfast.h is what cbindgen makes of ffi/src. To make it anew: the same command without --verify.
. "$(dirname "$0")/common.sh"
cbindgen --quiet --verify --config ffi/cbindgen.toml --crate handfast-ffi --output ffi/include/handfast.h ffi
echo "the committed header is the generated one"
