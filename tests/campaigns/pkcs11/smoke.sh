#!/usr/bin/env bash
# The whole campaign.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run"
