#!/usr/bin/env bash
# How many names of the API extensions need, and which of them are not here.
#
#   cpyext/rungs/symbols.sh FILE.so...
#
# FILEs are extensions built for CPython 3.11. Names that no extension needs which was compiled against this Python.h, for
# they are what CPython's own header puts behind a macro, count as here.
. "$(dirname "$0")/common.sh"
[ $# -gt 0 ] || { sed -n '2,/^\./{/^#/s/^# \{0,1\}//p}' "$0"; exit 2; }
program=target/release/handfast-cpyext
[ -x "$program" ] || { echo "symbols: cargo build --release -p handfast-cpyext first" >&2; exit 2; }
names() { awk '{print $NF}' | grep -E '^_?Py' | sort -u; }
needed=$(for file in "$@"; do nm -D --undefined-only "$file"; done | names)
here=$( (nm -D --defined-only "$program"; printf '%s\n' PyExc_IOError _PyTrash_{begin,cond,end} \
    _Py{Arg_ParseTuple,Arg_ParseTupleAndKeywords,_BuildValue,Object_CallFunction,Object_CallMethod}_SizeT) | names)
echo "needed: $(wc -l <<<"$needed"), here: $(comm -12 <(echo "$needed") <(echo "$here") | wc -l); not here:"
comm -23 <(echo "$needed") <(echo "$here") | fmt -w 118 | sed 's/^/  /'
