#!/usr/bin/env bash
# The whole campaign: a hundred thousand questions.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --requests 100000
