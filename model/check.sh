#!/bin/sh
# The design passes every litmus and some random walks, and each rule taken away fails at least one litmus: with the sweep
# before disarm, and in the order of the code, disarm first (there rule 10 is superfluous). About a minute.
set -e
cd "$(dirname "$0")"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
p="$dir/protocol"
rustc -O --edition 2024 -D warnings protocol.rs -o "$p"
set -- $("$p" --count)
litmuses=$(($1 - 1))
faults=$2
# verdict ARGS: 0 if it passes, 1 if it fails; ends the check if it says neither.
verdict() {
    if "$p" "$@" >"$dir/out" 2>/dev/null; then return 0; fi
    grep -q '^FAIL' "$dir/out" || { echo "$*: no verdict"; exit 1; }
    return 1
}
for l in $(seq 0 "$litmuses"); do
    verdict --litmus "$l" || { cat "$dir/out"; echo "litmus $l fails without a fault"; exit 1; }
    echo "litmus $l: $(tail -n 1 "$dir/out")"
    verdict --litmus "$l" --disarm-first --fault 10 || { cat "$dir/out"; echo "litmus $l fails with --disarm-first"; exit 1; }
done
echo "--disarm-first: all pass, without rule 10, too"
for f in $(seq 1 "$faults"); do
    hits=""
    for l in $(seq 0 "$litmuses"); do
        verdict --litmus "$l" --fault "$f" || hits="$hits $l"
    done
    [ -n "$hits" ] || { echo "fault $f is found by no litmus"; exit 1; }
    first=""
    for l in $hits; do
        [ "$f" = 10 ] || [ -n "$first" ] || verdict --litmus "$l" --disarm-first --fault "$f" || first=$l
    done
    [ "$f" = 10 ] || [ -n "$first" ] || { echo "fault $f is found by no litmus with --disarm-first"; exit 1; }
    echo "fault $f found by litmus:$hits; disarm first: ${first:-none, as it should be}"
done
"$p" --walks 40000 --ops 9 --c --weak --fin --detach
"$p" --walks 20000 --ops 9 --cycles 2 --c --weak --fin --detach --disarm-first
