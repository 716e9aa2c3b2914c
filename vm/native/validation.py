"""The validator's kernel as machine code: made once by ``build``, then loaded in milliseconds.

Making it takes Numba and some fifteen seconds, so nobody does it behind the user's back: ``wasmvm build``
does, and until then the kernel runs as the Python it is written in.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from array import array
from collections.abc import Callable, MutableSequence, Sequence

from vm.module.body import WORTHWHILE
from vm.module.kernel.facts import OPCODE_ROWS, Facts
from vm.module.kernel.restricted import Work
from vm.module.kernel.run import Kernel, PlainChecker, Scratch
from vm.native import arena, cache, kernels
from vm.native.code import load
from vm.once import once
from vm.typed import cast

_NAME = "validator"


def kernel(code_bytes: int) -> Kernel:
    """The form to check so much code with: native if that has been made, otherwise plain."""
    if code_bytes >= WORTHWHILE and _entries(cache.folder()) is not None:
        return NativeChecker
    return PlainChecker


def is_built() -> bool:
    """Whether the native form is there to be used."""
    return cache.load(_NAME, _key()) is not None


def build() -> int:
    """Make the native form; gives its size in bytes."""
    size = kernels.build(_NAME, "vm.module.kernel.walk", _key())
    _entries.cache_clear()
    return size


@functools.cache
def _key() -> str:
    return kernels.key(("module/kernel/*.py", "module/limits.py"))


class _Entries:
    """The artefact in place."""

    def __init__(self, content: bytes) -> None:
        self.code = load(content, arena.glue(), {})
        pointers = [ctypes.c_char_p] + [ctypes.c_void_p] * (len(Work._fields) - 1)
        number = ctypes.c_int64
        self.check_body = ctypes.CFUNCTYPE(number, *pointers, *[number] * 3)(self.code.symbols["check_body"])
        self.check_bodies = ctypes.CFUNCTYPE(number, *pointers, *[number] * 2)(
            self.code.symbols["check_bodies"]
        )


@functools.cache
def _entries(folder: str) -> _Entries | None:
    """The artefact in the cache folder, which this is."""
    content = cache.load(_NAME, _key())
    return None if content is None else _Entries(content)


def _zeros(count: int) -> MutableSequence[int]:
    """Cells of which only those that are used take memory."""
    return cast("MutableSequence[int]", (ctypes.c_int64 * count)())


def _cells(values: Sequence[int]) -> array[int]:
    return array("q", values)


@once
def _scratch() -> Scratch:
    return Scratch(_zeros)


_OPCODES = _cells(OPCODE_ROWS)

_latest: tuple[Callable[[], Facts | None], array[int]] = (lambda: None, array("q"))
"""The module whose bodies were checked last, one by one perhaps, and its facts for machine code."""


def _packed(facts: Facts) -> array[int]:
    global _latest
    known, cells = _latest
    if known() is not facts:
        cells = _cells(facts.cells)
        _latest = weakref.ref(facts), cells
    return cells


def _address(cells: object) -> int:
    return cells.buffer_info()[0] if isinstance(cells, array) else ctypes.addressof(cells)  # type: ignore[arg-type]


class NativeChecker:
    """The kernel as machine code; it does not hold the interpreter's lock while it works."""

    def __init__(self, binary: bytes, facts: Facts, room: int, extents: Sequence[int] = ()) -> None:
        entries = _entries(cache.folder())
        assert entries is not None  # whoever chose this form has seen it
        self._entries = entries
        arrays = _scratch().arrays(room)
        self.work = Work(binary, _OPCODES, _packed(facts), extents=_cells(extents), **arrays)
        self._pointers = [_address(cells) for cells in self.work[1:]]

    def check_body(self, function: int, start: int, end: int) -> int:
        """``walk.check_body``."""
        return int(self._entries.check_body(self.work.code, *self._pointers, function, start, end))

    def check_bodies(self, first: int, count: int) -> int:
        """``walk.check_bodies``."""
        return int(self._entries.check_bodies(self.work.code, *self._pointers, first, count))
