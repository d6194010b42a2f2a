#!/bin/sh
# The design passes every litmus and some random walks; each rule taken away fails at least one litmus. Seconds.
set -e
cd "$(dirname "$0")"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
p="$dir/protocol"
rustc -O --edition 2024 -D warnings protocol.rs -o "$p"
set -- $("$p" --count)
litmuses=$(($1 - 1))
faults=$2
for l in $(seq 0 "$litmuses"); do
    "$p" --litmus "$l" >"$dir/out" 2>/dev/null || { cat "$dir/out"; echo "litmus $l fails without a fault"; exit 1; }
    echo "litmus $l: $(tail -n 1 "$dir/out")"
done
for f in $(seq 1 "$faults"); do
    hits=""
    for l in $(seq 0 "$litmuses"); do
        "$p" --litmus "$l" --fault "$f" >"$dir/out" 2>/dev/null || { grep -q '^FAIL' "$dir/out" || { echo "litmus $l, fault $f: no verdict"; exit 1; }; hits="$hits $l"; }
    done
    [ -n "$hits" ] || { echo "fault $f is found by no litmus"; exit 1; }
    echo "fault $f found by litmus:$hits"
done
# The other order of the last two steps: then a weak load need not read its cell again (fault 10 is none).
for l in $(seq 0 "$litmuses"); do
    "$p" --litmus "$l" --disarm-first --fault 10 >"$dir/out" 2>/dev/null || { cat "$dir/out"; echo "litmus $l fails with --disarm-first"; exit 1; }
done
echo "--disarm-first: all pass, with fault 10, too"
"$p" --walks 40000 --ops 9 --c --weak --fin --detach
