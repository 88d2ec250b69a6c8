#!/usr/bin/env bash
# One run with all two hundred markers.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --runs 1
