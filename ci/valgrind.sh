#!/usr/bin/env bash
# Memcheck over the C examples and the C programs: what they and the library read was written, what they write is theirs,
# and nothing is lost. The library is an ordinary release build. (Helgrind and DRD know no C11 atomics: see ci/tsan.sh.)
. "$(dirname "$0")/common.sh"

cargo build --release -p handfast-ffi --lib
library=target/release/libhandfast.a
out=target/valgrind
mkdir -p "$out"

# A canary: memcheck must report a read of memory that nobody wrote, in a payload, and a block that is lost.
cat >"$out/canary.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include "handfast.h"

int main(void) {
    long *lost = malloc(sizeof(long));
    if (lost == NULL || *lost == 42)
        puts("a block that nobody wrote to");
    lost = NULL;
    return HF_OK;
}
C
memcheck=(valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
    --num-callers=30 --fair-sched=yes)
compile=(gcc -std=c11 -g -O1 -D_POSIX_C_SOURCE=200809L -Iffi/include)

"${compile[@]}" "$out/canary.c" "$library" -lpthread -ldl -lm -o "$out/canary"
if timeout 100 "${memcheck[@]}" "$out/canary" >"$out/canary.log" 2>&1 ||
    ! grep -q 'uninitialised value' "$out/canary.log" || ! grep -q 'definitely lost' "$out/canary.log"; then
    echo "valgrind: the canary was not reported"
    cat "$out/canary.log"
    exit 1
fi

passed=0
failed=0
for source in ffi/examples/*.c ffi/tests/c/*.c; do
    name=$(basename "$source" .c)
    # Programs that break a rule on purpose need a checked build: ffi/tests/misuse.rs runs them.
    case $name in misuse_*) continue ;; esac
    if grep -q 'ci: no sanitizer' "$source"; then
        skipped "valgrind: $name asks not to be run under a sanitizer"
        continue
    fi
    "${compile[@]}" "$source" "$library" -lpthread -ldl -lm -o "$out/$name"
    arguments=()
    [ "$name" = stress_handles ] && arguments=("${VALGRIND_STRESS_SECONDS:-10}")
    if timeout 300 "${memcheck[@]}" "$out/$name" "${arguments[@]}" >"$out/$name.log" 2>&1; then
        passed=$((passed + 1))
    elif grep -q 'reserving address space: Invalid argument' "$out/$name.log"; then
        # Each heap reserves some 50 GiB, and valgrind's own map of memory ends at 128.
        skipped "valgrind: $name makes more heaps than valgrind has address space for"
    else
        failed=$((failed + 1))
        echo "FAILED: $source"
        tail -n 60 "$out/$name.log"
    fi
done
echo "valgrind: $passed programs passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
