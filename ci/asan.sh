#!/usr/bin/env bash
# Every C program of the interface under AddressSanitizer and LeakSanitizer, the Rust library instrumented as well.
. "$(dirname "$0")/common.sh"

target=$(rustc -vV | sed -n 's/^host: //p')
# A nightly flag on the stable compiler: the tests are for this very compiler, not for another.
RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" \
    cargo rustc --release -p handfast-ffi --lib --target "$target" --target-dir target/asan --crate-type staticlib
library=target/asan/$target/release/libhandfast.a

out=target/asan/c
mkdir -p "$out"
passed=0
failed=0
for source in ffi/tests/c/*.c ffi/examples/*.c; do
    name=$(basename "$source" .c)
    # Breaks a rule on purpose, and needs a checked build to be stopped: ffi/tests/misuse.rs runs these.
    case $name in misuse_*) continue ;; esac
    # Dies on purpose in its child, by an abort that the sanitizer reports.
    if grep -q 'ci: no sanitizer' "$source"; then
        skipped "asan: $name asks not to be run under a sanitizer"
        continue
    fi
    clang -std=c11 -g -O1 -fno-omit-frame-pointer -fsanitize=address -D_POSIX_C_SOURCE=200809L -Iffi/include \
        "$source" "$library" -lpthread -ldl -lm -o "$out/$name"
    # The stress test runs as long as it is told to.
    arguments=()
    [ "$name" = stress_handles ] && arguments=("${ASAN_STRESS_SECONDS:-60}")
    if ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 timeout 300 "$out/$name" "${arguments[@]}" >"$out/$name.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $source"
        tail -n 40 "$out/$name.log"
    fi
done
echo "asan: $passed programs passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
