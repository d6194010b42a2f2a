#!/bin/sh
# Builds the programs of the peers into target/peers: build.sh [FAMILY...], all families without arguments. Does nothing
# for what is newer than its source. A family that cannot be built says why: "MISSING: ..." on standard error.
set -e
cd "$(dirname "$0")"
out=$(cd ../.. && pwd)/target/peers

missing() {
    echo "MISSING: $*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || missing "$1 is not installed"
}

newer() { # newer PROGRAM SOURCE...
    program=$1
    shift
    for needed in "$@"; do
        [ "$program" -nt "$needed" ] || return 1
    done
}

c_program() { # c_program NAME SOURCE OPTION...
    name=$1 source=$2
    shift 2
    need gcc
    mkdir -p "$out/c"
    newer "$out/c/$name" "c/$source" c/common.h ||
        gcc -std=gnu11 -O3 -march=native -Wall -Wextra -fno-builtin-malloc -fno-builtin-free -pthread -o "$out/c/$name" "c/$source" "$@"
}

extension() { # extension INTERPRETER FOLDER
    need "$1"
    need gcc
    include=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    suffix=$("$1" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
    [ -e "$include/Python.h" ] || missing "$1 has no headers ($include)"
    mkdir -p "$out/$2"
    newer "$out/$2/pairs$suffix" cpyext/pairs.c ||
        gcc -O3 -shared -fPIC -I"$include" cpyext/pairs.c -o "$out/$2/pairs$suffix"
}

rust_program() { # rust_program FOLDER TARGET OPTION...
    folder=$1 target=$2
    shift 2
    cargo build --quiet --release --locked --manifest-path "$folder/Cargo.toml" --target-dir "$out/$target" "$@" ||
        missing "$folder does not build"
}

family() {
    case $1 in
    malloc)
        c_program heap_malloc heap.c
        c_program blocks blocks.c
        ;;
    bdwgc)
        echo '#include <gc/gc.h>' | gcc -E - >/dev/null 2>&1 || missing "gc/gc.h is not installed (libgc-dev)"
        c_program heap_bdwgc heap.c -DBDWGC -lgc
        ;;
    jdk)
        need java
        need javac
        newer "$out/java/Workloads.class" java/Workloads.java || javac -d "$out/java" java/Workloads.java
        ;;
    cpython) extension /usr/bin/python3 cpython ;;
    pypy) extension pypy3 pypy ;;
    mmtk) rust_program mmtk mmtk ;;
    rust)
        rust_program rustgc rustgc
        rust_program rustgc rustgc-mimalloc --features mimalloc
        ;;
    *)
        echo "unknown family $1: malloc bdwgc jdk cpython pypy mmtk rust" >&2
        exit 2
        ;;
    esac
}

if [ $# -gt 0 ]; then
    for name in "$@"; do family "$name"; done
    exit
fi
status=0
for name in malloc bdwgc jdk cpython pypy mmtk rust; do
    # A subshell: one family that is missing does not end the others.
    if (family "$name"); then echo "$name: built"; else status=1; fi
done
exit $status
