#!/usr/bin/env bash
# The release smoke: builds, starts the demo as the documents say, does what it prints, verifies, tampers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v curl >/dev/null || { echo 'smoke: curl is missing: install it' >&2; exit 1; }
target=${CARGO_TARGET_DIR:-target}
cargo build --quiet --release
cargo build --quiet --example campaign
# Not through cargo run: it would build everything once more, and what it hands down makes the cargo inside build anew.
exec "$target/debug/examples/campaign" release --by-cargo --verifier "$target/release/gridvault-audit"
