#!/bin/sh
# The figures of docs/performance.md: figures.sh [PART [FOLDER]], each part at most twelve minutes or one round, on a machine
# that does nothing else. The table, the runs (JSON) and the plots go to FOLDER (target/figures).
#
#   brief    handfast, the limits, OpenJDK and malloc on everything, curves included (without arguments)
#   small    everything but W5 and the curves, with every peer
#   table    W5, with every peer
#   curves   cost against heap size, threads, links, old objects, survivors
#   alone    collections by themselves, handfast and the limits only: three minutes
set -e
cd "$(dirname "$0")/.."
part=${1:-brief}
out=${2:-target/figures}
mkdir -p "$out"

bench() {
    cargo build --quiet --release -p handfast-bench
    target/release/handfast-bench "$@" --minutes 12 --json "$out/$part.json" --plot "$out" | tee "$out/$part.md"
}

case $part in
brief) bench all --peers jdk,malloc,cpython --leaders 1.5 --rounds 3 ;;
small) bench w2 w3 w4 w6 w7 h minor publish mark busy memory rows --leaders 2 --rounds 5 ;;
table) bench w5 w5x2 w5s2 --leaders 1.5 --rounds 3 ;;
curves) bench curves --peers jdk,mmtk,pypy --rounds 3 ;;
alone) bench minor publish mark busy memory by-old by-links by-live by-survival links-pause --peers none --rounds 3 ;;
*)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
