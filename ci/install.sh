#!/usr/bin/env bash
# What ffi/install.sh installs: a program that knows pkg-config's answers only compiles and runs, with the shared and the static
# library; with the checked one it runs too, and misuse that the inline functions do not look at is stopped there.
. "$(dirname "$0")/common.sh"
if ! have pkg-config; then
    skipped "install: pkg-config is not installed"
    exit 0
fi
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
timeout 900 ffi/install.sh "$prefix"
timeout 900 ffi/install.sh --checked "$prefix"

# What a program is compiled with. One word each: no folder here has spaces.
flags() { pkg-config --cflags --libs "$@"; }
# An object that is used after it was freed, and nothing else that is wrong.
cat >"$prefix/freed.c" <<'END'
#include <handfast.h>
#include <stdio.h>
int main(void) {
    hf_heap *heap;
    hf_mutator *me;
    if (hf_heap_new(NULL, &heap) != HF_OK || hf_attach(heap, &me) != HF_OK)
        return 1;
    hf_pyobject *ob = hf_pyobject_new(me, 64, NULL);
    hf_decref(ob);
    puts("before");
    fflush(stdout);
    hf_incref(ob);
    puts("after");
    return 0;
}
END

for name in handfast handfast-checked; do
    # shellcheck disable=SC2046
    cc -std=c11 -Wall -Werror ffi/examples/hello.c $(flags $name) -Wl,-rpath,"$prefix/lib" -o "$prefix/hello"
    "$prefix/hello" >/dev/null
    lib=$(ldd "$prefix/hello" | sed -n 's/.*libhandfast[^ ]* => \([^ ]*\) .*/\1/p')
    [ "$(dirname "$lib")" = "$(pkg-config --variable=libdir $name)" ] || { echo "install: $name found $lib"; exit 1; }
    # shellcheck disable=SC2046
    cc -std=c11 -Wall -Werror ffi/examples/hello.c $(pkg-config --cflags $name) \
        "$(pkg-config --variable=libdir $name)/libhandfast.a" -lpthread -ldl -lm -o "$prefix/hello"
    "$prefix/hello" >/dev/null
    # shellcheck disable=SC2046
    cc -std=c11 -Wall -Werror -g "$prefix/freed.c" $(flags $name) -Wl,-rpath,"$prefix/lib" -o "$prefix/freed"
    ran=0
    said=$("$prefix/freed" 2>&1) || ran=$?
    case $name:$ran:$said in
    handfast:0:*after*) ;;
    # The report names the program's function, not the library's own.
    handfast-checked:134:*before*"use after free"*"allocated by thread 1 in hf_pyobject_new < main (freed.c:"*) ;;
    *)
        echo "install: with $name the program that uses what is freed ended with $ran: $said"
        exit 1
        ;;
    esac
    echo "$name: compiled, linked and run both ways"
done
