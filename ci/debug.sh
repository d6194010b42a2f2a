#!/usr/bin/env bash
# All tests in checked builds (feature `debug`): what is correct is not stopped there, and each kind of misuse is.
. "$(dirname "$0")/common.sh"
timeout 2400 cargo test -p handfast --features debug --lib --tests --target-dir target/checked
timeout 2400 cargo test -p handfast-ffi --features debug --target-dir target/checked
