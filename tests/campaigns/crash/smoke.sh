#!/usr/bin/env bash
# Fifty rounds in a folder that vanishes.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --rounds 50
