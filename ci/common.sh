# What the stages share; sourced, not run: `. "$(dirname "$0")/common.sh"`. Goes to the root of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CI=true CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never CARGO_NET_RETRY=5

# The version of cbindgen that makes the committed header: others word it differently.
CBINDGEN=0.29.4

have() { command -v "$1" >/dev/null 2>&1; }

# A stage that cannot check something here says so where the closing table shows it.
skipped() {
    echo "SKIPPED: $*"
    if [ -n "${CI_NOTES:-}" ]; then echo "$*" >>"$CI_NOTES"; fi
}

# The oldest compiler that Cargo.toml promises.
msrv() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | head -n 1; }
