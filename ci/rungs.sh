#!/usr/bin/env bash
# Three small extensions that nobody here wrote, of those of `ci/cpyext.sh`: fetched, compiled, recorded, replayed.
CPYEXT_SHORT=1 exec bash "$(dirname "$0")/cpyext.sh"
