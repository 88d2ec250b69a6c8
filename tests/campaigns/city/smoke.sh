#!/usr/bin/env bash
# The same over a tenth of the city, built as the tests are. It judges whether every figure is there; it judges no figure:
# of that build all of them are wrong.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
cargo bench --quiet --profile dev --bench city -- --grids 1000 --decisions 10000 | tee "$output" || status=$?
passed=0 failed=0
for row in '^tree of 1000 grids' '^directory of 3000 actors with 6000 assignments' '^resident: ' '^2000 open tasks' \
    '^call, what ends' '^call, vacant' "^call, a worker's tasks" "^call, a worker's own" '^decision, a read' \
    '^decision, one point, memoised' '^decision, one point, cold'; do
    if grep -q "$row" "$output" && ! grep "$row" "$output" | grep -q NaN; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "city: no figure for $row" >&2
    fi
done
[ "$status" -eq 0 ] || { failed=$((failed + 1)); echo "city: the bench failed" >&2; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
