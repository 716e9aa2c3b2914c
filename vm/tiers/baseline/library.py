"""The stencils in this process: made once on a machine, kept on disk, loaded without LLVM."""

from __future__ import annotations

import marshal
import sys
from array import array

from vm.errors import TrapCode
from vm.native import arena
from vm.once import once
from vm.tiers.baseline import artefact
from vm.tiers.baseline.kinds import FLIP_CELLS, HOLE_CELLS, MOST_TRAPS, SAME, SHAPE_CELLS, SOURCES
from vm.tiers.threaded import library as threaded
from vm.tiers.threaded.text import raises
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.tiers.baseline.stencil import Stencil

_ALIGNMENT = 16
"""Of functions, by LLVM for x86-64: handlers are told apart by where they are."""

_STEPS = 64

TRAP = SOURCES[-1]


class Library:
    """Stencils, and what the compiler needs to know of them and of the threaded tier's handlers.

    ``numbers`` are the stencils' by name; ``rows``, ``holes``, ``flips``, ``shapes`` are rows of ``kinds``;
    ``code`` is the code of all stencils. A handler's row is found by its address:
    ``shape_of[(address - base) // 16]``.
    """

    def __init__(self, content: bytes) -> None:
        parts = marshal.loads(content)  # noqa: S302 - only ours to write, and verified
        names, self.code, rows, holes, flips, constants, handled, shapes = parts
        self.numbers: dict[str, int] = {name: number for number, name in enumerate(names)}
        self.rows, self.holes, self.flips = array("q", rows), array("q", holes), array("q", flips)
        self.shapes = array("q", shapes)
        self._image = arena.bodies().image(max(len(constants), 1))
        self._image.write(constants)
        self.constants = self._image.address
        handlers = threaded.library().handlers
        self.raisers = array("q", [handlers[raises(code)] for code in TrapCode])
        self.base = min(handlers.values())
        span = (max(handlers.values()) - self.base) // _ALIGNMENT + 1
        self.shape_of = array("q", bytes(8 * span))
        for number, name in enumerate(handled, 1):
            self.shape_of[(handlers[name] - self.base) // _ALIGNMENT] = number


@once
def library() -> Library:
    """The process's library, made now if there is none on disk."""
    return Library(artefact.load() or _made())


def is_built() -> bool:
    """Whether it is there to be used."""
    return artefact.is_built()


def build() -> int:
    """Make it; gives its size in bytes."""
    return len(_made())


def _made() -> bytes:
    content = _build()
    artefact.store(content)
    return content


def _build() -> bytes:
    from vm.runtime.room import with_room
    from vm.tiers.baseline.build import all_texts, build  # with LLVM and all the meanings
    from vm.tiers.baseline.shapes import shapes

    stencils, constants = with_room(lambda: build(all_texts(), _progress))
    numbers = {stencil.name: number for number, stencil in enumerate(stencils)}
    found = shapes(numbers)
    cells = [0, 1, *[0] * (SHAPE_CELLS - 2)]
    for row in found.values():
        cells += row
    tables = _tables(stencils)
    packed = [array("q", table).tobytes() for table in (*tables, cells)]
    code = b"".join(stencil.code for stencil in stencils)
    return marshal.dumps((list(numbers), code, *packed[:3], constants, list(found), packed[3]))


def _tables(stencils: list[Stencil]) -> tuple[list[int], list[int], list[int]]:
    """Rows of stencils, of holes, of flips."""
    rows: list[int] = []
    holes: list[int] = []
    flips: list[int] = []
    traps, at = [code.name for code in TrapCode], 0
    for stencil in stencils:
        mine = [hole.symbol.removeprefix(TRAP) for hole in stencil.holes if hole.symbol.startswith(TRAP)]
        codes = [traps.index(name) for name in mine] + [0] * (MOST_TRAPS - len(mine))
        begin, first = len(holes) // HOLE_CELLS, len(flips) // FLIP_CELLS
        for hole in stencil.holes:
            if hole.symbol.startswith(TRAP):
                source = len(SOURCES) - 1 + mine.index(hole.symbol.removeprefix(TRAP))
            else:
                source = SOURCES.index(SAME.get(hole.symbol, hole.symbol))
            holes += hole.offset, source, hole.kind, hole.addend
        for operand, bits in enumerate(stencil.flips):
            for bit, places in enumerate(bits):
                for byte, mask, compiled in places:
                    flips += operand, bit, byte, mask, compiled >> bit & 1
        rows += len(stencil.code), stencil.avoided, int(stencil.single), len(mine), *codes
        rows += at, begin, len(stencil.holes), first, len(flips) // FLIP_CELLS - first
        at += len(stencil.code)
    return rows, holes, flips


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
