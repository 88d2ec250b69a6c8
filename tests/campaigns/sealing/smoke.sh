#!/usr/bin/env bash
# The whole campaign over a small vault.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --persons 60
