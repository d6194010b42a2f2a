#!/usr/bin/env bash
# Installs what the other stages use and this machine lacks. Does nothing on a machine that has it all.
. "$(dirname "$0")/common.sh"

packages=()
have gcc || packages+=(gcc)
have g++ || packages+=(g++)
have clang || packages+=(clang)
have ld.lld || packages+=(lld)
have valgrind || packages+=(valgrind)
# What Debian's LLVM needs, which compiles for ThreadSanitizer.
for library in libz3.so.4 libedit.so.2 libxml2.so.2; do
    /sbin/ldconfig -p | grep -c "$library" >/dev/null || packages+=(libz3-4 libedit2 libxml2)
done
install() {
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo -n)
    "${root[@]}" apt-get update -q
    DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -q -y --no-install-recommends "$@"
}
[ ${#packages[@]} = 0 ] || install "${packages[@]}"
# Its sanitizers may be a package of their own.
if ! echo 'int main(void) { return 0; }' | clang -fsanitize=address -x c - -o /dev/null 2>/dev/null; then
    install "libclang-rt-$(clang -dumpversion | cut -d . -f 1)-dev"
fi

for component in rustfmt clippy; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add "$component"
done
if [ "$(cbindgen --version 2>/dev/null)" != "cbindgen $CBINDGEN" ]; then
    cargo install --quiet --locked --force cbindgen --version "$CBINDGEN"
fi
cargo nextest --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-nextest
cargo fuzz --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-fuzz
# The lists of packages, where there are none: ci/tsan.sh asks for some.
if have apt-get && ! apt-cache show rust-web-src >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then apt-get update -q; else sudo -n apt-get update -q; fi || true
fi

rustc --version
cargo --version
cargo nextest --version | head -n 1
cbindgen --version
gcc --version | head -n 1
clang --version | head -n 1
valgrind --version
cargo fuzz --version
