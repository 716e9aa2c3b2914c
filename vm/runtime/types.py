"""Canonical numbers for function types, so that an indirect call compares two integers."""

from __future__ import annotations

import threading

from vm.isa.types import FuncType

_ids: dict[FuncType, int] = {}
_types: list[FuncType] = []
_lock = threading.Lock()


def type_id(type: FuncType) -> int:
    """The number of ``type``: equal types have equal numbers, for the life of the process."""
    known = _ids.get(type)
    if known is not None:
        return known
    with _lock:
        if type not in _ids:
            _types.append(type)
            _ids[type] = len(_types) - 1
        return _ids[type]
