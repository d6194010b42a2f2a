# What the scripts of cpyext/ share; sourced, not run. Leaves the caller in the root of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$PWD/target/cpyext

# A CPython 3.11 with headers and pip: the oracle, and the interpreter of the scripts. PYTHON311 names another.
find_python() {
    local candidate
    for candidate in ${PYTHON311:-} python3.11 "$HOME/.pyenv/versions/"3.11.*/bin/python3.11 /usr/bin/python3.11 python3; do
        if "$candidate" - >/dev/null 2>&1 <<'PYTHON'; then
import ctypes.util, os, pip, sys, sysconfig
assert sys.version_info[:2] == (3, 11)
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
PYTHON
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    echo "no CPython 3.11 with headers and pip (PYTHON311=... names one)" >&2
    return 1
}

python=$(find_python)
table() { "$python" cpyext/rungs/table.py "$@"; }
