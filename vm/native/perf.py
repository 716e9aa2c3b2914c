"""What ``perf`` is told of compiled functions, in the form that the knob ``profiler`` names."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from vm.errors import VMError
from vm.module.model import ModuleData

Extent = tuple[int, int, str]
"""Where code begins, how many bytes it has, and its name."""

FORMS = {"perfmap": "vm.native.perfmap", "jitdump": "vm.native.jitdump"}
"""Modules with ``path()``, the file of this process, and ``write(extents)``, by what the knob says."""


def tell(form: str, extents: Iterable[Extent]) -> None:
    """Add functions to this process's file; nothing if the knob is "none". VMError when it cannot be written.

    A name from a module may hold anything, such as line feeds: what cannot be printed is told as "?".
    """
    if form not in FORMS:
        return
    made = importlib.import_module(FORMS[form])
    try:
        made.write([(start, size, _printable(name)) for start, size, name in extents])
    except OSError as error:
        raise VMError(f"{made.path()}: {error.strerror}; remove it, or set profiler to none") from None


def symbol(module: ModuleData, index: int, tier: str) -> str:
    """What a module's function is called there."""
    return f"{module.names.functions.get(index, f'function {index}')} [{tier}]"


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)
