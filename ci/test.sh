#!/usr/bin/env bash
# All tests: the README's second command.
. "$(dirname "$0")/common.sh"
cargo test --workspace
