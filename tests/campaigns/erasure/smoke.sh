#!/usr/bin/env bash
# A tenth of it.
set -euo pipefail
export ERASURE_DISK=1G
exec bash "$(dirname "${BASH_SOURCE[0]}")/run" --persons 100 --erased 10
