#!/bin/sh
# Builds the C library and installs it: ffi/install.sh [PREFIX]   (default /usr/local; DESTDIR is honoured)
#   PREFIX/include/handfast*.h   PREFIX/lib/libhandfast.{a,so,so.MAJOR,so.VERSION}   PREFIX/lib/pkgconfig/handfast.pc
set -eu

prefix=${1:-/usr/local}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
major=${version%%.*}
target=${CARGO_TARGET_DIR:-$root/target}
libdir=$prefix/lib
into=${DESTDIR:-}$libdir

(cd "$root" && HANDFAST_SONAME=1 cargo build --release -p handfast-ffi)

install -d "${DESTDIR:-}$prefix/include" "$into/pkgconfig"
install -m 644 "$here"/include/handfast*.h "${DESTDIR:-}$prefix/include/"
install -m 644 "$target/release/libhandfast.a" "$into/"
install -m 755 "$target/release/libhandfast.so" "$into/libhandfast.so.$version"
ln -sf "libhandfast.so.$version" "$into/libhandfast.so.$major"
ln -sf "libhandfast.so.$major" "$into/libhandfast.so"
sed -e "s|@PREFIX@|$prefix|" -e "s|@LIBDIR@|$libdir|" -e "s|@VERSION@|$version|" "$here/handfast.pc.in" \
    > "$into/pkgconfig/handfast.pc"
echo "handfast $version is in $prefix"
