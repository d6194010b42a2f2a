#!/usr/bin/env bash
# The executable model of the concurrent protocols: every litmus passes, and every rule taken away is missed.
. "$(dirname "$0")/common.sh"
model/check.sh
