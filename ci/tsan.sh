#!/usr/bin/env bash
# ThreadSanitizer over the tests with threads and the C stress test, with a standard library that is instrumented as well:
# with the prebuilt one it reports races that are none. The sources of std, and a compiler that fits them, are Debian's.
# First two canaries: races that it must report.
. "$(dirname "$0")/common.sh"

tools=target/tsan-toolchain
root=$PWD/$tools/root
host=$(rustc -vV | sed -n 's/^host: //p')
libraries=$root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)

# A package and those of the compiler's own that it depends on: standard library and LLVM.
with_dependencies() {
    echo "$1"
    local package
    for package in $(apt-cache depends "$1" | sed -nE 's/^ *Depends: (lib(std-rust-web|llvm)[-.0-9a-z]*)$/\1/p'); do
        with_dependencies "$package"
    done
}

if [ ! -e "$tools/complete" ]; then
    if ! have apt-get || ! have dpkg || ! apt-cache show rust-web-src >/dev/null 2>&1; then
        skipped "tsan: no package rust-web-src (a Debian system with its security archive, after apt-get update)"
        exit 0
    fi
    rm -rf "$tools"
    mkdir -p "$tools/deb" "$root"
    mapfile -t packages < <({ with_dependencies rustc-web; echo rust-web-src; } | sort -u)
    (cd "$tools/deb" && apt-get download -q "${packages[@]}")
    for package in "$tools"/deb/*.deb; do dpkg -x "$package" "$root"; done
    rm -rf "$tools/deb"
    # The sanitizers' runtimes are rustup's.
    cp "$(rustc --print sysroot)/lib/rustlib/$host/lib/"librustc-*_rt.*.a "$root/usr/lib/rustlib/$host/lib/"
    touch "$tools/complete"
fi
export LD_LIBRARY_PATH=$libraries:$(echo "$root"/usr/lib/llvm-*/lib)
# rustix calls the C library: ThreadSanitizer must see memory being unmapped, or it takes the next use of the address for a
# race with the last.
export RUSTC=$root/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=thread --cfg tsan --cfg rustix_use_libc"
"$RUSTC" --version
build=(--release -Zbuild-std=std,panic_unwind,test --target "$host" --target-dir target/tsan)
export TSAN_OPTIONS="halt_on_error=0:second_deadlock_stack=1:history_size=4:suppressions=$PWD/ci/tsan.supp"

mkdir -p target/tsan
# Each must be reported, in the right place.
for canary in a_race_on_a_payload:tsan_canary a_race_in_a_mutator:src/mutator/roots.rs; do
    name=${canary%%:*}
    place=${canary#*:}
    log=target/tsan/$name.log
    if timeout 600 cargo test "${build[@]}" -p handfast --test tsan_canary -- --ignored --exact "$name" >"$log" 2>&1; then
        echo "tsan: the canary $name was not reported"
        exit 1
    fi
    grep -A 12 'WARNING: ThreadSanitizer: data race' "$log" >"$log.report" || true
    if ! grep -q "$place" "$log.report"; then
        echo "tsan: the canary $name failed in some other way"
        tail -n 40 "$log"
        exit 1
    fi
    echo "tsan: the canary $name is reported"
done

# `HANDFAST_STRESS_SECONDS`: of each of the three settings of shared_graph.
export HANDFAST_STRESS_SECONDS="${TSAN_STRESS_SECONDS:-20}"
tests=()
for test in tests/{threads_*,shared_graph,typed_shared,typed_global,typed_attach,typed_compare_set,typed_thread_end}.rs \
    tests/{decref_detached,finalizer_background,heaps_come_and_go,out_of_memory,pacing,typed_weak,typed_pyref}.rs; do
    tests+=(--test "$(basename "$test" .rs)")
done
timeout 1500 cargo test "${build[@]}" -p handfast --lib "${tests[@]}"

# The C interface: every C program that starts threads, and the stress test.
cargo rustc "${build[@]}" -p handfast-ffi --lib --crate-type staticlib
library=target/tsan/$host/release/libhandfast.a
runtime=$(echo "$root/usr/lib/rustlib/$host/lib/"librustc-*_rt.tsan.a)
out=target/tsan/c
mkdir -p "$out"
for source in $(grep -lE 'pthread_create|thrd_create' ffi/tests/c/*.c ffi/examples/*.c); do
    name=$(basename "$source" .c)
    # Programs that break a rule on purpose.
    case $name in misuse_*) continue ;; esac
    clang -std=c11 -g -O1 -fsanitize=thread -D_POSIX_C_SOURCE=200809L -Iffi/include -c "$source" -o "$out/$name.o"
    # Not clang's own runtime: the library was compiled for rustc's.
    clang "$out/$name.o" "$library" -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive \
        -lpthread -ldl -lm -lrt -lresolv -o "$out/$name"
    arguments=()
    [ "$name" = stress_handles ] && arguments=("${TSAN_STRESS_SECONDS:-20}")
    if ! timeout 300 "$out/$name" "${arguments[@]}" >"$out/$name.log" 2>&1; then
        echo "FAILED: $source"
        tail -n 60 "$out/$name.log"
        exit 1
    fi
    echo "tsan: $name"
done
