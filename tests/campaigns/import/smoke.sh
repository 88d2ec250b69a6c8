#!/usr/bin/env bash
# The same with 2,000 people of one community.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --persons 2000 --community
