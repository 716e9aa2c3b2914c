"""The stencils in this process: made once on a machine, kept on disk, loaded without LLVM."""

from __future__ import annotations

import functools
import marshal
import sys
from array import array
from typing import Any

from vm.errors import TrapCode
from vm.native import arena, cache
from vm.tiers.baseline.kinds import SHAPE_CELLS, STENCIL_CELLS, TRAP_CODES
from vm.tiers.threaded import library as threaded
from vm.tiers.threaded.text import raises

_PLACES = (*threaded.PLACES, "tiers/baseline/*.py")
_ALIGNMENT = 16
"""Of functions, by LLVM for x86-64: handlers are told apart by where they are."""

_STEPS = 64


class Library:
    """Stencils, and what the compiler needs to know of them and of the threaded tier's handlers.

    ``numbers`` are the stencils' by name; ``rows`` and ``shapes`` rows of ``kinds``. A handler's row is found
    by its address: ``shape_of[(address - base) // 16]``.
    """

    def __init__(self, content: bytes) -> None:
        stencils, constants, shapes = marshal.loads(content)  # noqa: S302 - only ours to write, and verified
        self.stencils: list[tuple[Any, ...]] = stencils
        self.numbers = {stencil[0]: number for number, stencil in enumerate(stencils)}
        self._image = arena.bodies().image(max(len(constants), 1))
        self._image.write(constants)
        self.constants = self._image.address
        handlers = threaded.library().handlers
        traps = list(TrapCode)
        self.raisers = [handlers[raises(code)] for code in traps]
        rows = [0] * (STENCIL_CELLS * len(stencils))
        for number, (_, code, avoided, single, names, *_) in enumerate(stencils):
            at = STENCIL_CELLS * number
            rows[at : at + TRAP_CODES] = len(code), avoided, single, len(names)
            for i, name in enumerate(names):
                rows[at + TRAP_CODES + i] = traps.index(TrapCode[name])
        self.rows = array("q", rows)
        self.base = min(handlers.values())
        self.shape_of = array("h", bytes(2 * ((max(handlers.values()) - self.base) // _ALIGNMENT + 1)))
        cells: list[int] = [0, 1, *[0] * (SHAPE_CELLS - 2)]
        for number, (name, shape) in enumerate(shapes.items(), 1):
            self.shape_of[(handlers[name] - self.base) // _ALIGNMENT] = number
            cells += shape
        self.shapes = array("q", cells)


@functools.cache
def library() -> Library:
    """The process's library."""
    key = cache.key(threaded.sources(_PLACES), "llvmlite")
    content = cache.load("baseline", key)
    if content is None:
        content = _build()
        cache.store("baseline", key, content)
    return Library(content)


def _build() -> bytes:
    from vm.runtime import stack
    from vm.tiers.baseline.build import all_texts, build  # with LLVM and all the meanings
    from vm.tiers.baseline.shapes import shapes

    stencils, constants = stack.with_room(lambda: build(all_texts(), _progress))
    numbers = {stencil.name: number for number, stencil in enumerate(stencils)}
    packed = []
    for stencil in stencils:
        names = [
            hole.symbol.removeprefix("trap_") for hole in stencil.holes if hole.symbol.startswith("trap_")
        ]
        holes = [(hole.offset, hole.symbol, hole.kind, hole.addend) for hole in stencil.holes]
        packed.append(
            (stencil.name, stencil.code, stencil.avoided, int(stencil.single), names, holes, stencil.flips)
        )
    return marshal.dumps((packed, constants, shapes(numbers)))


def _progress(done: int, whole: int) -> None:
    if sys.stderr.isatty():
        filled = _STEPS * done // whole
        end = "\r" if done < whole else "\n"
        print(
            f"wasmvm: stencils for this machine [{'#' * filled:{_STEPS}}]",
            end=end,
            file=sys.stderr,
            flush=True,
        )
