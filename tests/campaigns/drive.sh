#!/usr/bin/env bash
# `drive.sh CAMPAIGN ARGUMENTS...` runs a campaign. The programs under test are built as users run them; the driver as the
# tests are: it judges and is not judged, and one more program that is optimised as a whole would cost minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${CARGO_TARGET_DIR:-target}
cargo build --quiet --release
cargo build --quiet --example campaign
# Another build of the vault is judged with `--program FILE`.
export CAMPAIGN_PROGRAM="$target/release/gridvault"
exec "$target/debug/examples/campaign" "$@"
