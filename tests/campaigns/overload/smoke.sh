#!/usr/bin/env bash
# Three short runs of each kind.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --seconds 5 --runs 3
