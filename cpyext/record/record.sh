#!/usr/bin/env bash
# Records the test suites of the rungs on CPython 3.11.
#
#   cpyext/record/record.sh [RUNG...]
#
# Writes target/cpyext/recordings/RUNG.jsonl. A test that fails behind the proxies is an error here, unless rungs.toml names
# it under `deselect`; whether the suite passes without them is said then. Needs what fetch.sh
# fetches; builds the rungs for CPython. pytest is installed into target/cpyext/site.
. "$(dirname "$0")/../rungs/common.sh"
rungs=("$@")
[ $# -gt 0 ] || mapfile -t rungs < <(table names)

site=$work/site
recordings=$work/recordings
mkdir -p "$recordings"
[ -d "$site/pytest" ] ||
    timeout 300 "$python" -m pip install --quiet --disable-pip-version-check --target "$site" pytest==9.0.3 \
        --root-user-action=ignore
cpyext/rungs/build.sh "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')" "$work/cpython" \
    "${rungs[@]}"

# Fixed addresses, where the system lets us: kiwisolver sorts by them.
fixed=()
if setarch -R true 2>/dev/null; then fixed=(setarch -R); fi

run() { # RUNG OUT: the suite, beside the module, with nothing else of the rung's to import
    local name=$1 item arguments=()
    while read -r item; do [ -z "$item" ] || arguments+=("$item"); done < <(table get "$name" pytest)
    while read -r item; do [ -z "$item" ] || arguments+=("$item"); done < <(table get "$name" tests)
    while read -r item; do [ -z "$item" ] || arguments+=("--deselect=$item"); done < <(table get "$name" deselect)
    local here=$PWD module by_address
    module=$(table get "$name" module)
    by_address=$(table json "$name" by_address)
    (
        cd "$work/cpython/$name"
        export PYTHONPATH=$PWD:$site:$here/cpyext/record PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
        export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
        RECORD_OUT=$2 RECORD_MODULE=$module RECORD_BY_ADDRESS=$by_address timeout 300 "${fixed[@]}" "$python" -P -m pytest -q -p plugin -p no:cacheprovider \
            --rootdir=. -c /dev/null --color=no -rfE --tb=short --durations=3 "${arguments[@]}"
    )
}

status=0
for name in "${rungs[@]}"; do
    source=$work/src/$(table get "$name" source)
    [ -d "$source" ] || { echo "SKIPPED: $name: no sources (cpyext/rungs/fetch.sh)"; continue; }
    into=$work/cpython/$name
    for item in $(table get "$name" python); do
        if [ -f "$source/$item" ]; then
            cp "$source/$item" "$into"
        else
            mkdir -p "$into/$(basename "$item")"
            (cd "$source/$item" && find . -name '*.py' -exec cp --parents {} "$into/$(basename "$item")" \;)
        fi
    done
    # What a distribution's tests import and the distribution lacks.
    if [ -d "cpyext/record/missing/$name" ]; then cp -r "cpyext/record/missing/$name/." "$into"; fi
    # Some ask for their own version.
    if [ -f "$source/PKG-INFO" ]; then
        info=$into/$(basename "$source").dist-info
        mkdir -p "$info"
        cp "$source/PKG-INFO" "$info/METADATA"
    fi
    log=$recordings/$name.log
    out=$recordings/$name.jsonl
    if run "$name" "$out" >"$log" 2>&1; then
        echo "recorded: $name: $(wc -l <"$out") lines, $(du -k "$out" | cut -f1) KiB; $(tail -n 1 "$log" | tr -d =)"
    else
        if ! run "$name" "" >"$log.bare" 2>&1; then bare=failed; else bare=passed; fi
        echo "FAILED: $name: its suite does not pass behind the proxies (bare: $bare); $log"
        grep -E '^(FAILED|ERROR|E  )' "$log" | head -n 20
        status=1
    fi
done
exit $status
