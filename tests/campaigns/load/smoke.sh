#!/usr/bin/env bash
# The load bench in seconds: every row runs once, every answer is the expected one, every figure is there. It judges no
# rate: on a busy machine all of them are wrong. Memory is to be flat everywhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
cargo bench --quiet --profile dev --bench load -- --records 1000 --actors 400 --seconds 0.3 --runs 1 --connections 1,16 | tee "$output" ||
    status=$?
# The program as users run it: memory is flat only after some hundred thousand writes.
cargo build --quiet --release
program="${CARGO_TARGET_DIR:-target}/release/gridvault"
cargo bench --quiet --profile dev --bench load -- --only memory --records 1000 --actors 400 --program "$program" | tee -a "$output" ||
    status=$?
cargo bench --quiet --profile dev --bench load -- --only growth --records 1000 --grown 2000 --actors 400 --seconds 0.3 --runs 1 | tee -a "$output" ||
    status=$?
# Each part once: that the benches of them still run.
cargo bench --quiet --profile dev --bench parts -- --test | tee -a "$output" || status=$?
passed=0 failed=0
for row in '^| read | 16 |' '^| write | 16 |' '^| match | 16 |' '^| query | 16 |' '^| 4 |' '^one fdatasync' '^resident' "^audit's price" '^| 1024 |' '^| 3 times |' '^resident after the last' \
    '^kept of a write' '^| kind, 64 connections' '^resident, large' '^Success'; do
    if grep -q "$row" "$output" && ! grep "$row" "$output" | grep -q NaN; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "load: no figure for $row" >&2
    fi
done
[ "$status" -eq 0 ] || { failed=$((failed + 1)); echo "load: the bench failed" >&2; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
