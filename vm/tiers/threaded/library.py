"""The machine's code in this process, made once on a machine, and where each handler lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vm.native import arena, cache
from vm.native.code import Code, kept
from vm.native.glue import glue
from vm.once import once
from vm.tiers.threaded import plain
from vm.tiers.threaded.translate import Table

_LEVEL = 2

PLACES = (
    "errors.py",
    "isa/**/*.py",
    "memory/linear.py",
    "native/*.py",
    "runtime/layout.py",
    "runtime/words.py",
    "tiers/threaded/*.py",
)
"""Files of the package that the machine's text follows from."""


class Library:
    """The machine in this process: addresses of ``handlers`` by name, of ``interpret`` and of ``halt``.

    ``extent`` is where all of it lies, and how many bytes.
    """

    def __init__(self, code: Code) -> None:
        self._code = code
        self.handlers: Mapping[str, int] = code.symbols
        self.interpret = code.symbols["interpret"]
        self.halt = code.symbols["halt"]
        self.extent = code.image.address, code.size
        self._fusions = plain.fusions(self.handlers)

    @once
    def table(self, mode: str) -> Table:
        """What translates each opcode, where memory 0 is accessed as ``mode`` says."""
        return Table(self.handlers, self._fusions, plain.table(self.handlers, mode))


@once
def library() -> Library:
    """The process's library."""
    return Library(
        kept(
            "threaded",
            _source,
            _LEVEL,
            arena.bodies(),
            glue().externals | {"stencils": arena.stencils().start},
            sources=sources(PLACES),
            notice="wasmvm: making the threaded tier's machine code, once for this machine ...",
        )
    )


def sources(places: Sequence[str]) -> list[bytes]:
    """What a text follows from, as a digest; making the text takes a hundred times as long."""
    return [cache.files_digest(cache.package_files(places))]


def _source() -> str:
    from vm.tiers.threaded.source import source  # with all the meanings, which ready-made code does without

    return source()
