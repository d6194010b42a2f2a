#!/usr/bin/env bash
# Fetches the sources of the rungs, of the pinned versions and hashes, and unpacks them in target/cpyext/src.
#
#   cpyext/rungs/fetch.sh
#
# Eight source distributions and one wheel of headers from PyPI (pip; sources.txt has the hashes), and of CPython's own
# source, as Debian packages it, the three modules that are rungs with their tests. What is there already is not fetched
# again. Status: 0 all there; 3 the registry could not be reached; 1 anything else (a hash that differs, above all).
# Without CPython's source the other rungs work: a missing one is said, and is no error.
. "$(dirname "$0")/common.sh"

src=$work/src
mkdir -p "$src"

fetch_pypi() {
    local into=$work/download
    [ -d "$src/cppy" ] && return
    mkdir -p "$into"
    # Only these are wanted as source. pip asks each for its metadata, for which it would make each an environment of its
    # own: one with what they all need takes a quarter of the time.
    local names status=0
    names=$(sed -n 's/^\([A-Za-z0-9_-]*\)==.*/\1/p' cpyext/rungs/sources.txt | grep -v cppy | paste -sd,)
    local pip=(timeout 300 "$python" -m pip --quiet --disable-pip-version-check)
    "${pip[@]}" install --root-user-action=ignore --upgrade --target "$into/backends" \
        setuptools==80.9.0 setuptools_scm==9.2.2 wheel==0.45.1 cppy==1.3.1 2>"$into/log" &&
        PYTHONPATH=$into/backends "${pip[@]}" download --no-deps --require-hashes --no-build-isolation \
            --no-binary "$names" --dest "$into" --requirement cpyext/rungs/sources.txt 2>"$into/log" || status=$?
    if [ "$status" != 0 ]; then
        cat "$into/log" >&2
        if grep -qi 'hash' "$into/log"; then return 1; fi
        if [ "$status" = 124 ]; then echo "fetch: PyPI did not answer in five minutes" >&2; fi
        echo "fetch: PyPI gave no sources" >&2
        return 3
    fi
    local archive
    for archive in "$into"/*.tar.gz; do tar -xf "$archive" -C "$src"; done
    rm -rf "$src/cppy.new"
    "$python" -m zipfile -e "$into"/cppy-*.whl "$src/cppy.new"
    mv "$src/cppy.new/cppy" "$src/cppy"
    rm -r "$src/cppy.new"
}

# Debian's source package of CPython 3.11: the upstream archive, fetched with an apt configuration of its own, so that
# nothing of the system's is touched.
fetch_cpython() {
    local into=$work/download/cpython version=3.11.2
    local hash=2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849
    [ -d "$src/python3.11-$version" ] && return
    command -v apt-get >/dev/null || return 3
    mkdir -p "$into/lists/partial" "$into/cache/archives/partial"
    local key=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb-src [signed-by=$key] http://deb.debian.org/debian bookworm main" >"$into/sources.list"
    local options=(-o "Dir::Etc::sourcelist=$into/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$into/lists" -o "Dir::Cache=$into/cache" -o APT::Sandbox::User=)
    (
        cd "$into"
        timeout 120 apt-get "${options[@]}" -qq update &&
            timeout 200 apt-get "${options[@]}" -qq --download-only --tar-only source python3.11
    ) >"$into/log" 2>&1 || { cat "$into/log" >&2; return 3; }
    local archive=$into/python3.11_$version.orig.tar.gz
    echo "$hash  $archive" | sha256sum --check --quiet || return 1
    rm -rf "$into/unpacked"
    mkdir "$into/unpacked"
    tar -xf "$archive" -C "$into/unpacked" --strip-components=1 --wildcards \
        'Python-*/LICENSE' 'Python-*/Modules/_heapqmodule.c' 'Python-*/Modules/_bisectmodule.c' \
        'Python-*/Modules/xxlimited.c' 'Python-*/Modules/clinic/_heapq*' 'Python-*/Modules/clinic/_bisect*' \
        'Python-*/Lib/test/__init__.py' 'Python-*/Lib/test/support' 'Python-*/Lib/test/test_heapq.py' \
        'Python-*/Lib/test/test_bisect.py' 'Python-*/Lib/test/test_xxlimited.py'
    mv "$into/unpacked" "$src/python3.11-$version"
}

fetch_pypi
if fetch_cpython; then :; else
    status=$?
    [ "$status" = 3 ] || exit "$status"
    echo "SKIPPED: no source of CPython 3.11 (Debian's archive gave none): no rungs _heapq, _bisect, xxlimited"
fi
