#!/usr/bin/env bash
# The documentation builds, private items included, and every link in it leads somewhere.
. "$(dirname "$0")/common.sh"
export RUSTDOCFLAGS="-D warnings"
cargo doc --no-deps -p handfast -p handfast-derive
cargo doc --no-deps -p handfast -p handfast-derive --document-private-items --target-dir target/doc-private
# Its library has the name of the crate itself, so it gets a folder of its own. Its users read the header; this is for who works on it.
RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" \
    cargo doc --no-deps -p handfast-ffi --document-private-items --target-dir target/doc-ffi
