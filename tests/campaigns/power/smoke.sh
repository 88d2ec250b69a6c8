#!/usr/bin/env bash
# Ten rounds in a folder that vanishes.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --rounds 10
