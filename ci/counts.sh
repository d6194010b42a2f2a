#!/usr/bin/env bash
# Instructions of the fast paths, counted by callgrind: five percent more than benches/counts.toml says is a failure.
. "$(dirname "$0")/common.sh"

# The runner and the library have to be of one version.
version=$(sed -n 's/^gungraun = "=\(.*\)"/\1/p' benches/Cargo.toml)
[ -n "$version" ]
runner() { [ "$(gungraun-runner --version 2>/dev/null)" = "gungraun-runner $version" ]; }

if [ "$(uname -m)" != x86_64 ]; then
    skipped "counts: the figures are those of x86-64"
elif ! have valgrind; then
    skipped "counts: valgrind is not installed"
elif ! runner && ! cargo install --quiet --locked --force gungraun-runner --version "$version"; then
    skipped "counts: gungraun-runner $version cannot be installed"
else
    cargo bench --quiet -p handfast-bench --bench counts --no-run
    out=$(mktemp)
    trap 'rm -f "$out"' EXIT
    status=0
    timeout 600 cargo bench --quiet -p handfast-bench --bench counts >"$out" 2>&1 || status=$?
    # A line for each path: instructions of a thousand operations.
    sed -n 's/^counts::fast_paths::\([a-z_]*\).*/\1/p; s/^  Instructions: *\([0-9]*\).*/\1/p' "$out" | paste - - | column -t
    if [ $status != 0 ]; then
        cat "$out"
        echo "counts: a fast path has more instructions than benches/counts.toml allows, or did not run"
    fi
    exit $status
fi
