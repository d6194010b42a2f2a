#!/usr/bin/env bash
# Lines of the collector that the committed corpora reach: the tests that replay them, built with instrumentation. Prints a table of files. `fuzz/coverage.sh FILE` also shows that file, line by line.
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
# shellcheck disable=SC2054
test=(cargo test --target-dir target/coverage -p handfast -p handfast-ffi
    --test ops_corpus --test block_pool_corpus --test handle_corpus --test config_corpus)
export RUSTFLAGS=-Cinstrument-coverage LLVM_PROFILE_FILE="$raw/%p-%m.profraw"
timeout 1800 "${test[@]}" -- every_list_of_the_corpus every_configuration_of_the_corpus
objects=()
while read -r object; do objects+=(--object "$object"); done < <("${test[@]}" --no-run 2>&1 |
    sed -n 's/.*Executable.*(\(.*\))$/\1/p')
"$profdata" merge --sparse "$raw"/*.profraw -o "$raw/all.profdata"
llvm_cov() { "$cov" "$1" "${objects[@]:1}" --instr-profile "$raw/all.profdata" "${@:2}"; }
# The lowest layers are compiled twice, for `block_pool` has them as modules of its own.
llvm_cov export --summary-only --format=text src/collector src/mutator src/heap src/handle | python3 -c '
import json, os, sys
files, total = {}, [0, 0]
for file in json.load(sys.stdin)["data"][0]["files"]:
    lines, name = file["summary"]["lines"], os.path.relpath(file["filename"])
    if "tests" not in name and lines["count"]:
        files[name] = (lines["covered"], lines["count"])
for name, (covered, count) in sorted(files.items()):
    print(f"{name:34} {covered:5} of {count:5} lines {100 * covered / count:6.1f} %")
for layer in ["collector/verify", "collector", "mutator", "heap", "handle", ""]:
    some = [v for k, v in files.items() if k.startswith("src/" + layer) and (layer != "collector" or "verify" not in k)]
    covered, count = sum(v[0] for v in some), sum(v[1] for v in some)
    print(f"all of src/{layer:26} {covered:5} of {count:5} lines {100 * covered / count:6.1f} %")
'
[ $# = 0 ] || llvm_cov show "$1" --show-instantiations=false
