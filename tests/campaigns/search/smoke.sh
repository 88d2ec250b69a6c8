#!/usr/bin/env bash
# The same over thirty thousand entries, built as the tests are. It judges whether pages are right and every figure is
# there; it judges no figure: of that build all of them are wrong.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
cargo bench --quiet --profile dev --bench search -- --entries 30000 --pages 40 | tee "$output" || status=$?
passed=0 failed=0
for row in '^log of' '^index made' 'behind what is published' '^a start has it' '^| actor |' '^| record |' '^| subject' \
    '^| grid and refused' '^| street' '^| actor and a time' '^| refused in a time' '^| everything' '^| nobody'; do
    if grep -q "$row" "$output" && ! grep "$row" "$output" | grep -q NaN; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "search: no figure for $row" >&2
    fi
done
[ "$status" -eq 0 ] || { failed=$((failed + 1)); echo "search: the bench failed" >&2; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
