"""wasmtime-py's names with Winch, its compiler of one pass, in Cranelift's place: for ``benchmarks.ladder``.

Nothing of wasmtime is imported before somebody asks, for asv imports this module where there is none.
"""

from __future__ import annotations

import importlib
from typing import Any

_WINCH = 2
"""``wasmtime_strategy_enum`` of wasmtime's C interface, which its ``Config.strategy`` has no word for."""


def Config() -> Any:
    """A configuration that asks for it, by the class's name."""
    config = importlib.import_module("wasmtime").Config()
    importlib.import_module("wasmtime._ffi").wasmtime_config_strategy_set(config.ptr(), _WINCH)
    return config


def __getattr__(name: str) -> Any:
    if name.startswith("__"):  # else who looks for modules below finds wasmtime's
        raise AttributeError(name)
    return getattr(importlib.import_module("wasmtime"), name)
