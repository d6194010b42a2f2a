#!/bin/sh
# The design passes every litmus, some random programs and some random walks, and each rule taken away fails at least one
# litmus: with the sweep before disarm, and in the order of the code, disarm first (there rule 10 is superfluous). Two mutators,
# and three where a litmus needs them. About a minute.
set -e
cd "$(dirname "$0")"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
p="$dir/protocol"
p3="$dir/protocol3"
rustc -O --edition 2024 -D warnings protocol.rs -o "$p"
rustc -O --edition 2024 -D warnings --cfg three protocol.rs -o "$p3"
set -- $("$p3" --count) $("$p" --count)
litmuses=$(($1 - 1))
faults=$2
of_two=$3
# verdict LITMUS ARGS: 0 if it passes, 1 if it fails; ends the check if it says neither.
verdict() {
    model=$p
    [ "$1" -lt "$of_two" ] || model=$p3
    if "$model" --litmus "$@" >"$dir/out" 2>/dev/null; then return 0; fi
    grep -q '^FAIL' "$dir/out" || { echo "$*: no verdict"; exit 1; }
    return 1
}
for l in $(seq 0 "$litmuses"); do
    verdict "$l" || { cat "$dir/out"; echo "litmus $l fails without a fault"; exit 1; }
    echo "litmus $l: $(tail -n 1 "$dir/out")"
    verdict "$l" --disarm-first --fault 10 || { cat "$dir/out"; echo "litmus $l fails with --disarm-first"; exit 1; }
done
echo "--disarm-first: all pass, without rule 10, too"
for f in $(seq 1 "$faults"); do
    hits=""
    for l in $(seq 0 "$litmuses"); do
        verdict "$l" --fault "$f" || hits="$hits $l"
    done
    [ -n "$hits" ] || { echo "fault $f is found by no litmus"; exit 1; }
    first=""
    for l in $hits; do
        [ "$f" = 10 ] || [ -n "$first" ] || verdict "$l" --disarm-first --fault "$f" || first=$l
    done
    [ "$f" = 10 ] || [ -n "$first" ] || { echo "fault $f is found by no litmus with --disarm-first"; exit 1; }
    echo "fault $f found by litmus:$hits; disarm first: ${first:-none, as it should be}"
done
"$p" --programs 200
"$p3" --programs 60
"$p" --walks 40000 --ops 9 --c --weak --fin --detach
"$p" --walks 20000 --ops 9 --cycles 2 --c --weak --fin --detach --disarm-first
