#!/usr/bin/env bash
# fuzz/overnight.sh HOURS: all targets, two jobs each, half of the time plain and half with `--cfg gc_zeal`. Inputs that
# reach something new are kept in target/fuzz/TARGET, and those that reach lines which no committed one reaches are added
# to fuzz/corpus/TARGET, as few and as small as can be. What fails is kept in fuzz/artifacts/TARGET and named at the end.
. "$(dirname "$0")/../ci/common.sh"

hours=${1:?usage: fuzz/overnight.sh HOURS}
jobs=${FUZZ_JOBS:-2}
export RUSTC_BOOTSTRAP=1
mapfile -t targets < <(cargo fuzz list)
seconds=$(awk "BEGIN { print int($hours * 3600 / (2 * ${#targets[@]})) }")
logs=$PWD/target/fuzz/logs
mkdir -p "$logs"

for mode in plain zeal; do
    dir=fuzz/target/$mode
    RUSTFLAGS=$([ $mode = zeal ] && echo "--cfg gc_zeal" || true)
    export RUSTFLAGS
    cargo fuzz build --target-dir "$dir"
    binaries=$PWD/$dir/$(rustc -vV | sed -n 's/^host: //p')/release
    for target in "${targets[@]}"; do
        echo "=== $target, $mode: $seconds s"
        new=$PWD/target/fuzz/$target
        artifacts=$PWD/fuzz/artifacts/$target/
        mkdir -p "$new" "$artifacts"
        # libFuzzer writes a log for each job where it stands. A job that finds something ends, the others go on.
        (cd "$logs" && timeout $((seconds + 600)) nice "$binaries/$target" "$new" "$OLDPWD/fuzz/corpus/$target" \
            -jobs="$jobs" -workers="$jobs" -max_total_time="$seconds" -max_len=1200 -len_control=0 -timeout=120 \
            -artifact_prefix="$artifacts") || true
    done
done

for target in "${targets[@]}"; do
    echo "=== $target: minimize"
    binary=$PWD/fuzz/target/plain/$(rustc -vV | sed -n 's/^host: //p')/release/$target
    all=target/fuzz/$target.all few=target/fuzz/$target.few
    rm -rf "$all" "$few"
    mkdir -p "$all" "$few"
    "$binary" -merge=1 "$all" "fuzz/corpus/$target" "target/fuzz/$target" 2>/dev/null
    # Edges alone decide, not how often they are passed: a tenth of the size.
    "$binary" -set_cover_merge=1 -use_counters=0 "$few" "$all" 2>/dev/null
    rm -rf "fuzz/corpus/$target"
    mv "$few" "fuzz/corpus/$target"
    rm -rf "target/fuzz/$target"
    mv "$all" "target/fuzz/$target"
done
du -sh fuzz/corpus
found=$(find fuzz/artifacts -type f 2>/dev/null)
if [ -n "$found" ]; then
    echo "found:"
    echo "$found"
    exit 1
fi
