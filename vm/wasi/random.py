"""Randomness from the host's generator."""

from __future__ import annotations

import os

from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest

_CHUNK = 1 << 16


def random_get(context: WasiContext, guest: Guest, buffer: int, size: int) -> None:
    """Fill ``size`` bytes, in chunks so that a large request costs no second copy of it."""
    span = guest.span(buffer, size)
    for start in range(0, size, _CHUNK):
        piece = span[start : start + _CHUNK]
        piece[:] = os.urandom(len(piece))
