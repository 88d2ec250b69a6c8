#!/usr/bin/env bash
# The whole campaign: it takes a minute.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run"
