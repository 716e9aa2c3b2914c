"""The compiler as machine code: made once by ``wasmvm build``; without it, it runs as the Python it is."""

from __future__ import annotations

import ctypes
from array import array

from vm.memory.native import Block
from vm.native import arena, kernels
from vm.native.code import load
from vm.once import forget, once
from vm.tiers.baseline import artefact
from vm.tiers.baseline.compiler import Compiler
from vm.tiers.baseline.library import Library
from vm.tiers.baseline.room import Room
from vm.tiers.baseline.work import ADDRESS, BASE, BYTES, CONSTANTS, ROOM, Cells, Work
from vm.typed import cast

_NUMBERS = tuple(at for at, name in enumerate(Work._fields) if name not in (*BYTES, "words"))
"""Where in ``Work`` arrays are."""

_WORDS = Work._fields.index("words")


def is_built() -> bool:
    """Whether the native form is there to be used."""
    return _entry() is not None


def build() -> int:
    """Make the native form; gives its size in bytes."""
    key = artefact.compiler_key()
    size = kernels.build(artefact.COMPILER, "vm.tiers.baseline.make", key)
    forget(artefact.compiler)
    forget(_entry)
    return size


class _Entry:
    """The artefact in place."""

    def __init__(self, content: bytes) -> None:
        self.code = load(content, arena.glue(), {})
        function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * len(Work._fields))
        self.make_function = function(self.code.symbols["make_function"])


@once
def _entry() -> _Entry | None:
    content = artefact.compiler()
    return None if content is None else _Entry(content)


def compiler(library: Library, room: Room) -> Compiler:
    """The native form if that has been made, otherwise the plain one."""
    entry = _entry()
    return Compiler(library, room) if entry is None else NativeCompiler(library, room, entry)


class NativeCompiler(Compiler):
    """As its base, in machine code."""

    def __init__(self, library: Library, room: Room, entry: _Entry) -> None:
        self._entry = entry
        self._code = Block(len(library.code) + 8)
        ctypes.memmove(self._code.address, library.code, len(library.code))
        super().__init__(library, room)

    def _make(self, w: Work) -> tuple[int, int] | None:
        arrays = cast("tuple[array[int], ...]", w)
        pointers = [arrays[at].buffer_info()[0] for at in _NUMBERS]
        pointers.insert(_WORDS, w.state[BASE])
        size = self._try(w, pointers)
        if size < -1:
            self._room.reserve(-1 - size)
            size = self._try(w, pointers)
        if size < 0:
            return None
        address = self._room.reserve(0)
        self._room.keep(size)
        return address, size

    def _try(self, w: Work, pointers: list[int]) -> int:
        w.state[ADDRESS], w.state[ROOM] = self._room.reserve(0), self._room.left()
        w.state[CONSTANTS] = self._library.constants
        return int(self._entry.make_function(*pointers, self._code.address, self._room.window()))

    def _cells(self, count: int, value: int = 0) -> Cells:
        return array("q", bytes(8 * count) if value == 0 else b"\xff" * (8 * count))

    def _taken(self, values: list[int]) -> Cells:
        return array("q", values)
