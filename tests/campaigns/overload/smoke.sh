#!/usr/bin/env bash
# One short pair of runs, whose times are judged so that a busy machine passes; what is turned away and the log are judged as ever.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --seconds 3 --runs 1 --ratio 8 "$@"
