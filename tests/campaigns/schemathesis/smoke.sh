#!/usr/bin/env bash
# The same with fewer cases for each call.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --examples 5 "$@"
