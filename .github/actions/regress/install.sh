#!/usr/bin/env bash
# Installs Regress: from the checkout that this action is part of ("self"), else whatever pip is told.
set -euo pipefail
what=${REGRESS_INSTALL:?what to install: self, or words for pip}
if [ "$what" = self ]; then
  what=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
fi
REGRESS_FRONTEND=skip python -m pip install --quiet "$what"
