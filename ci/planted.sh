#!/usr/bin/env bash
# Every planted bug is found by its checker, and by it alone is the checker failed: see planted/README.md.
. "$(dirname "$0")/common.sh"
planted/check.sh
