#!/usr/bin/env bash
# A few people and a few kills.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --persons 300 --kills 6 --quiet 2 "$@"
