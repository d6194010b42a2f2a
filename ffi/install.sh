#!/bin/sh
# Builds the C library and installs it: ffi/install.sh [--checked] [PREFIX]   (default /usr/local; DESTDIR is honoured)
#   PREFIX/include/handfast*.h   PREFIX/lib/libhandfast.{a,so,so.MAJOR,so.VERSION}   PREFIX/lib/pkgconfig/handfast.pc
# --checked: the library with feature `debug`, beside it, under the same names in a folder of its own: PREFIX/lib/handfast-checked/
#   and PREFIX/lib/pkgconfig/handfast-checked.pc, whose flags have every call checked (-DHF_NO_INLINE) and the program
#   find that library when it runs.
set -eu

checked=
if [ "${1:-}" = --checked ]; then
    checked=-checked
    shift
fi
prefix=${1:-/usr/local}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
major=${version%%.*}
target=${CARGO_TARGET_DIR:-$root/target}
libdir=$prefix/lib
flags="-I$prefix/include"
libs="-L$libdir -lhandfast"
if [ -n "$checked" ]; then
    # What is built with and without must not overwrite each other.
    target=$target/installed-checked
    libdir=$prefix/lib/handfast-checked
    flags="$flags -DHF_NO_INLINE"
    libs="-L$libdir -Wl,-rpath,$libdir -lhandfast"
fi
into=${DESTDIR:-}$libdir
pkgconfig=${DESTDIR:-}$prefix/lib/pkgconfig

(cd "$root" && HANDFAST_SONAME=1 cargo build --release -p handfast-ffi ${checked:+--features debug} --target-dir "$target")

install -d "${DESTDIR:-}$prefix/include" "$into" "$pkgconfig"
install -m 644 "$here"/include/handfast*.h "${DESTDIR:-}$prefix/include/"
install -m 644 "$target/release/libhandfast.a" "$into/"
install -m 755 "$target/release/libhandfast.so" "$into/libhandfast.so.$version"
ln -sf "libhandfast.so.$version" "$into/libhandfast.so.$major"
ln -sf "libhandfast.so.$major" "$into/libhandfast.so"
sed -e "s|@NAME@|handfast$checked|" -e "s|@PREFIX@|$prefix|" -e "s|@LIBDIR@|$libdir|" -e "s|@VERSION@|$version|" \
    -e "s|@CFLAGS@|$flags|" -e "s|@LIBS@|$libs|" "$here/handfast.pc.in" >"$pkgconfig/handfast$checked.pc"
echo "handfast$checked $version is in $prefix"
