#!/usr/bin/env bash
# Every file is formatted as rustfmt.toml says.
. "$(dirname "$0")/common.sh"
cargo fmt --all -- --check -l
echo "formatted"
