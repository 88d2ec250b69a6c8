#!/usr/bin/env bash
# A smaller vault.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --persons 4000
