"""Arguments and environment: lists of C strings copied into the program's memory."""

from __future__ import annotations

from collections.abc import Sequence

from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest


def args_sizes_get(context: WasiContext, guest: Guest, count: int, size: int) -> None:
    """Store how many arguments there are, and the bytes they need."""
    _sizes(guest, context.argv, count, size)


def args_get(context: WasiContext, guest: Guest, pointers: int, buffer: int) -> None:
    """Store the arguments in ``buffer`` and their addresses in ``pointers``."""
    _strings(guest, context.argv, pointers, buffer)


def environ_sizes_get(context: WasiContext, guest: Guest, count: int, size: int) -> None:
    """Store how many variables there are, and the bytes they need."""
    _sizes(guest, context.environ, count, size)


def environ_get(context: WasiContext, guest: Guest, pointers: int, buffer: int) -> None:
    """Store the variables, as ``name=value``, in ``buffer`` and their addresses in ``pointers``."""
    _strings(guest, context.environ, pointers, buffer)


def _sizes(guest: Guest, strings: Sequence[bytes], count: int, size: int) -> None:
    guest.write_u32(count, len(strings))
    guest.write_u32(size, sum(len(string) + 1 for string in strings))


def _strings(guest: Guest, strings: Sequence[bytes], pointers: int, buffer: int) -> None:
    for i, string in enumerate(strings):
        guest.write_u32(pointers + 4 * i, buffer)
        guest.write(buffer, string + b"\0")
        buffer += len(string) + 1
