#!/usr/bin/env bash
# Lines of the collector that the committed corpora reach: the tests that replay them, built with instrumentation, plain
# and with gc_zeal. Prints a table of files. `fuzz/coverage.sh FILE` also shows that file, line by line.
# Needs llvm-profdata and llvm-cov of the compiler's LLVM: rustup's llvm-tools, or Debian's llvm-22.
. "$(dirname "$0")/../ci/common.sh"

tool() {
    local name=$1 rustup
    rustup=$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/$name
    for at in "$rustup" "/usr/lib/llvm-$llvm/bin/$name" "$name-$llvm"; do
        if command -v "$at" >/dev/null 2>&1; then echo "$at" && return; fi
    done
    echo "coverage: no $name of LLVM $llvm (rustup component add llvm-tools, or apt install llvm-$llvm)" >&2
    return 1
}
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
profdata=$(tool llvm-profdata)
cov=$(tool llvm-cov)

raw=$(mktemp -d)
trap 'rm -rf "$raw"' EXIT
corpora="every_list_of_the_corpus every_configuration_of_the_corpus"
objects=()
for mode in plain zeal; do
    flags="-Cinstrument-coverage"
    [ $mode = plain ] || flags="$flags --cfg gc_zeal"
    export RUSTFLAGS=$flags LLVM_PROFILE_FILE="$raw/$mode-%p-%m.profraw"
    test=(cargo test --target-dir "target/coverage-$mode" -p handfast -p handfast-ffi
        --test ops_corpus --test block_pool_corpus --test handle_corpus --test config_corpus)
    # shellcheck disable=SC2086
    timeout 900 "${test[@]}" -- $corpora
    while read -r object; do objects+=(--object "$object"); done < <("${test[@]}" --no-run 2>&1 |
        sed -n 's/.*Executable.*(\(.*\))$/\1/p')
done
"$profdata" merge --sparse "$raw"/*.profraw -o "$raw/all.profdata"
sources=(src/collector src/mutator src/heap src/handle)
report() { "$cov" "$@" --instr-profile "$raw/all.profdata" "${objects[@]:1}" 2>/dev/null; }
report report "${sources[@]}" | awk '
    /^Filename|^src|^TOTAL|^[a-z]+\/|^[a-z_]+\.rs/ { lines = $8; missed = $9; if (NR > 1 && lines > 0) printf "%-34s %5d lines %5d missed %6.1f %%\n", $1, lines, missed, 100 * (lines - missed) / lines }'
[ $# = 0 ] || report show "$1"
