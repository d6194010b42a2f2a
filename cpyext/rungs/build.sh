#!/usr/bin/env bash
# Compiles the rungs, unmodified, against the Python.h of a given folder.
#
#   cpyext/rungs/build.sh INCLUDE_DIRS OUT_DIR [RUNG...]
#
# INCLUDE_DIRS are folders with colons between; the first has Python.h.
# Calls the compiler directly: several setup.py leave C away where they do not know the interpreter. Each module becomes
# OUT_DIR/RUNG/PACKAGE/MODULE.so, where an import with OUT_DIR/RUNG in the path finds it. CC and CXX name the compilers,
# EXT_CFLAGS what is added to their flags (-fsanitize=address). The compilers' words go to OUT_DIR/RUNG/log. Status 1 if
# any rung whose sources are there did not compile; the others are compiled all the same.
. "$(dirname "$0")/common.sh"
[ $# -ge 2 ] || { sed -n '2,/^\./{/^#/s/^# \{0,1\}//p}' "$0"; exit 2; }
absolute() { case $1 in /*) echo "$1" ;; *) echo "$OLDPWD/$1" ;; esac; }
IFS=: read -ra includes <<<"$1"
for i in "${!includes[@]}"; do includes[i]=$(absolute "${includes[i]}"); done
out=$(absolute "$2")
shift 2
[ -f "${includes[0]}/Python.h" ] || { echo "build: no Python.h in ${includes[0]}" >&2; exit 2; }
rungs=("$@")
[ $# -gt 0 ] || mapfile -t rungs < <(table names)

compile() { # RUNG
    local name=$1 source module library compiler flag
    source=$work/src/$(table get "$name" source)
    module=$(table get "$name" module)
    library=$out/$name/${module//./\/}.so
    [ -d "$source" ] || { echo "SKIPPED: $name: no sources (cpyext/rungs/fetch.sh)"; return 0; }
    mkdir -p "$(dirname "$library")"
    compiler=(${CC:-cc} -std=gnu11)
    [ "$(table get "$name" language)" = c++ ] && compiler=(${CXX:-c++})
    compiler+=(-O2 -g -fPIC -shared -fwrapv -DNDEBUG "${includes[@]/#/-I}")
    [ "$(table get "$name" internal)" = True ] && compiler+=("-I${includes[0]}/internal")
    for flag in $(table get "$name" include); do compiler+=("-I$source/$flag"); done
    for flag in $(table get "$name" define); do compiler+=("-D$flag"); done
    for flag in $(table get "$name" flags); do compiler+=("$flag"); done
    # Newer than the sources and headers already: nothing to do.
    if [ -f "$library" ] && [ -z "$(find "${includes[@]}" "$source" -newer "$library" -name '*.h' -print -quit)" ] &&
        [ "$(cat "$out/$name/command" 2>/dev/null)" = "${compiler[*]} ${EXT_CFLAGS:-}" ]; then
        return 0
    fi
    local files=()
    for flag in $(table get "$name" sources); do files+=("$source/$flag"); done
    # shellcheck disable=SC2086 # flags are words
    if "${compiler[@]}" ${EXT_CFLAGS:-} "${files[@]}" -o "$library" >"$out/$name/log" 2>&1; then
        echo "${compiler[*]} ${EXT_CFLAGS:-}" >"$out/$name/command"
        echo "built: $name"
    else
        rm -f "$library"
        grep -m 5 'error' "$out/$name/log" || tail -n 5 "$out/$name/log"
        echo "FAILED: $name does not compile ($out/$name/log)"
        return 1
    fi
}

status=0
for rung in "${rungs[@]}"; do compile "$rung" || status=1; done
exit $status
