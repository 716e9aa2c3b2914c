"""``python -m vm.cli`` is ``wasmvm``."""

from __future__ import annotations

import sys

from vm.cli import main

sys.exit(main())
