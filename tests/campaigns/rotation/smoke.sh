#!/usr/bin/env bash
# A few people and a few kills, for each of what is rotated record by record.
set -euo pipefail
for what in subjects index header; do
    echo "rotation of $what"
    bash "$(dirname "${BASH_SOURCE[0]}")/run" --persons 300 --kills 4 --quiet 1 --what "$what" "$@"
done
