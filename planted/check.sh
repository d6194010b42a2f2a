#!/usr/bin/env bash
# Plants each bug of this folder in a copy of the tree and runs the checker that its patch names: the patch must apply, the
# copy must build, the checker must fail with it, and pass without. `planted/check.sh 03 dead` does those whose names
# contain one of the words. What was measured stands in README.md.
. "$(dirname "$0")/../ci/common.sh"
export LC_ALL=C

root=$PWD
tree=$root/target/planted/tree
export CARGO_TARGET_DIR=$root/target/planted/build GIT_CEILING_DIRECTORIES=$root/target/planted
# A planted bug may corrupt the heap: then anything can happen, a hang too.
seconds=${PLANTED_SECONDS:-120}

# The copy: what git knows, as it is in the working tree. Files that are the same keep their times, for cargo's sake.
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard -- . ':!planted' | while IFS= read -r -d '' file; do
    [ -e "$file" ] && printf '%s\n' "$file"
done | sort -u >"$root/target/planted/files"
while IFS= read -r file; do
    if ! cmp -s "$file" "$tree/$file"; then
        mkdir -p "$tree/$(dirname "$file")"
        cp "$file" "$tree/$file"
    fi
done <"$root/target/planted/files"
(cd "$tree" && find . -type f | sed 's|^\./||' | sort | comm -23 - "$root/target/planted/files" | tr '\n' '\0' | xargs -0 -r rm)
cd "$tree"

# Neither is looked at in a debugger.
fast=(--config profile.test.package.handfast.debug=false --config profile.test.package.handfast-ffi.debug=false)
# build CHECKER, run CHECKER: a test by its file, or another kind and its name. A build is no check: it must pass with
# every bug.
build() {
    case $1 in
    tests/*) cargo test -q "${fast[@]}" -p handfast --test "${1#tests/}" --no-run ;;
    ffi/tests/*) cargo test -q "${fast[@]}" -p handfast-ffi --test "${1#ffi/tests/}" --no-run ;;
    c) cargo test -q "${fast[@]}" -p handfast-ffi --test c_programs --no-run ;;
    unit) cargo test -q "${fast[@]}" -p handfast --lib --no-run ;;
    zeal) RUSTFLAGS="--cfg gc_zeal" CARGO_TARGET_DIR=$CARGO_TARGET_DIR-zeal build "tests/$2" ;;
    loom) RUSTFLAGS="--cfg loom" cargo test -q --release -p loom-tests --target-dir "$CARGO_TARGET_DIR-loom" --test "$2" --no-run ;;
    asan)
        target=$(rustc -vV | sed -n 's/^host: //p')
        RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" cargo rustc -q -p handfast-ffi --lib --target "$target" \
            --target-dir "$CARGO_TARGET_DIR-asan" --crate-type staticlib &&
            clang -std=c11 -g -O1 -fsanitize=address -D_POSIX_C_SOURCE=200809L -Iffi/include "ffi/tests/c/$2.c" \
                "$CARGO_TARGET_DIR-asan/$target/debug/libhandfast.a" -lpthread -ldl -lm -o "$CARGO_TARGET_DIR-asan/$2"
        ;;
    *) echo "no checker is called $1" && exit 2 ;;
    esac
}
run() {
    case $1 in
    tests/*) cargo test -q "${fast[@]}" -p handfast --test "${1#tests/}" ;;
    ffi/tests/*) cargo test -q "${fast[@]}" -p handfast-ffi --test "${1#ffi/tests/}" ;;
    c) cargo test -q "${fast[@]}" -p handfast-ffi --test c_programs "$2" ;;
    unit) cargo test -q "${fast[@]}" -p handfast --lib "$2" ;;
    zeal) RUSTFLAGS="--cfg gc_zeal" CARGO_TARGET_DIR=$CARGO_TARGET_DIR-zeal run "tests/$2" ;;
    loom) RUSTFLAGS="--cfg loom" cargo test -q --release -p loom-tests --target-dir "$CARGO_TARGET_DIR-loom" --test "$2" ;;
    asan) "$CARGO_TARGET_DIR-asan/$2" ;;
    esac
}
export -f run
# Ends with the checker's status; 124 when it does not come to an end. A group of its own, so that nothing is left behind.
checked() {
    local words
    words=$(declare -p fast)
    RUST_BACKTRACE=0 timeout -k 5 "$seconds" bash -c "$words; run $*" >"$root/target/planted/log" 2>&1
}

wanted() {
    [ ${#words[@]} = 0 ] && return 0
    for word in "${words[@]}"; do [[ $1 == *"$word"* ]] && return 0; done
    return 1
}
words=("$@")
status=0
table=""
passed=" "
for patch in "$root"/planted/[0-9]*.patch; do
    name=$(basename "$patch" .patch)
    wanted "$name" || continue
    read -r -a checker <<<"$(sed -n 's/^Checker: //p' "$patch")"
    if ! git apply --check "$patch"; then
        table+="$name: does not apply any more"$'\n' status=1
        continue
    fi
    if [[ $passed != *" ${checker[*]} "* ]]; then
        if ! build "${checker[@]}" || ! checked "${checker[@]}"; then
            cat "$root/target/planted/log"
            table+="$name: ${checker[*]} fails without it"$'\n' status=1
            continue
        fi
        passed+="${checker[*]} "
    fi
    git apply "$patch"
    result=
    if ! build "${checker[@]}"; then
        result="does not build" status=1
    else
        begin=$(date +%s%N)
        if checked "${checker[@]}"; then
            result="NOT FOUND by ${checker[*]}" status=1
        else
            code=$?
            ms=$((($(date +%s%N) - begin) / 1000000))
            how=$(grep -A 1 -E 'panicked at|ERROR: |SIGSEGV|SIGABRT' "$root/target/planted/log" |
                grep -v -E 'panicked at|^--|Thread Local' | head -n 1 | cut -c 1-90) || true
            [ $code = 124 ] && how="did not come to an end"
            result="found by ${checker[*]} in $((ms / 1000)).$((ms % 1000 / 100)) s: $how"
        fi
    fi
    git apply -R "$patch"
    table+=$(printf '%-32s %s' "$name" "$result")$'\n'
    echo "$name: $result"
done
echo
printf '%s' "$table"
exit $status
