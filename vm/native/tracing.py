"""The collector's loop as native code: compiles ``vm.gc.kernels`` and calls it."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Iterable, Sequence

from vm.errors import VMError
from vm.gc import kernels
from vm.gc.cage import Cage
from vm.gc.collector import Reached
from vm.gc.handles import Handles
from vm.gc.layout import REFERENCE_WIDTH
from vm.gc.types import TypeTable
from vm.memory.native import WORD, Block
from vm.memory.reserve import Reservation
from vm.native import arena
from vm.native.code import Code, Costs, build
from vm.once import once

_LEVEL = 2
"""Of optimisation; the code is small and made once."""

_PAGE = 1 << 16


@once
def _code() -> tuple[Code, Callable[[int], None]]:
    """The kernel: it keeps Python's lock, for other threads' finalizers must not run meanwhile."""
    code = build(kernels.TRACE_IR, _LEVEL, arena.glue(), {}, Costs())
    return code, ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(code.symbols["trace"])


class NativeTracer:
    """``vm.gc.collector.Tracer``, some hundred times faster than in Python. It believes what it finds."""

    def __init__(self, cage: Cage, types: TypeTable, handles: Handles) -> None:
        self._cage = cage
        self._types = types
        self._handles = handles
        self._trace = _code()[1]

    def __call__(
        self, ranges: Iterable[tuple[int, int]], words: Sequence[int], colour: int, entered: bytes
    ) -> Reached:
        """The stack is memory of its own, returned afterwards: it may have to hold every reference."""
        pairs = array("Q", [part for pair in ranges for part in pair])
        roots = len(words) + sum(pairs[1::2])
        stack = _stack(REFERENCE_WIDTH * roots + self._cage.bytes)
        given = (ctypes.c_uint32 * len(words)).from_address(stack.address)
        given[:] = list(words)
        table = ctypes.create_string_buffer(entered, len(entered))
        arguments = Block(WORD * kernels.ARGUMENTS)
        values = {
            kernels.BASE: self._cage.base,
            kernels.LINES: self._cage.lines_address,
            kernels.TYPES: self._types.address,
            kernels.HANDLES: self._handles.marks_address,
            kernels.STACK: stack.address,
            kernels.ENTERED: ctypes.addressof(table),
            kernels.COLOUR: colour,
            kernels.RANGES: pairs.buffer_info()[0],
            kernels.COUNT: len(pairs) // 2,
            kernels.PUSHED: len(words),
        }
        for number, value in values.items():
            arguments.words[number] = value
        self._trace(arguments.address)
        return Reached(arguments.words[kernels.OBJECTS], arguments.words[kernels.BYTES])


def _stack(size: int) -> Reservation:
    """Memory of which only what is touched exists."""
    size = -(-size // _PAGE) * _PAGE + _PAGE
    reservation = Reservation(size)
    if not reservation.commit(0, size):
        raise VMError(f"no memory for the collector's stack of {size >> 20} MiB")
    return reservation
