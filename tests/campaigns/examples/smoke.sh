#!/usr/bin/env bash
# Every example of examples/ against a demo vault of its own; each must end with status 0.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
readonly PROGRAMS="${CARGO_TARGET_DIR:-target}/debug"
readonly READY_SECONDS_MAX=60
cargo build --quiet --bin gridvault --examples

passed=0 failed=0 vault=
folder=$(mktemp -d)
stop() {
    [ -z "$vault" ] || { kill "$vault" 2>/dev/null && wait "$vault" || true; }
    rm -rf -- "$folder"
}
trap stop EXIT

# Prints a judgement and counts it.
judge() {
    local what=$1 status=$2
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1)) && echo "ok      $what"
    else
        failed=$((failed + 1)) && echo "FAILED  $what: status $status"
    fi
}

"$PROGRAMS/gridvault" demo --listen 127.0.0.1:0 --persons 60 --dir "$folder/vault" \
    >"$folder/out" 2>"$folder/err" </dev/null &
vault=$!
deadline=$((SECONDS + READY_SECONDS_MAX))
until [ -e "$folder/vault/demo.json" ]; do
    if ! kill -0 "$vault" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
        cat "$folder/err" >&2
        judge 'the demo serves' 1
        break
    fi
    sleep 0.1
done

if [ -e "$folder/vault/demo.json" ]; then
    found=0
    for source in examples/*.rs; do
        example=$(basename "$source" .rs) status=0
        printf '\n== %s\n' "$example"
        timeout 120 "$PROGRAMS/examples/$example" --demo "$folder/vault/demo.json" || status=$?
        judge "$example" "$status"
        found=$((found + 1))
    done
    # An example that does not run must say so with its status.
    status=0
    "$PROGRAMS/examples/collect" --demo "$folder/nowhere.json" 2>/dev/null || status=$?
    judge 'an example without a vault fails' "$((status == 0))"
    # Without an example nothing was shown.
    judge 'there are examples' "$((found == 0))"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
