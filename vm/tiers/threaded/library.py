"""The machine's code in this process, made once on a machine, and where each handler lies."""

from __future__ import annotations

from vm.memory.native import packed
from vm.native import arena, cache
from vm.native.code import Code, kept
from vm.native.glue import glue
from vm.once import once
from vm.typed import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from vm.tiers.threaded.translate import Table

_LEVEL = 2

PLACES = (
    "errors.py",
    "gc/record.py",
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

    def layout(self) -> bytes:
        """How far from the start each handler lies, for code that is to run in other processes: where one was
        made twice, its compiler may have had another processor in mind.
        """
        base = self.extent[0]
        return packed([at - base for at in self.handlers.values()]).tobytes()

    @once
    def table(self, mode: str) -> Table:
        """What translates each opcode, where memory 0 is accessed as ``mode`` says."""
        from vm.tiers.threaded import plain  # with every opcode, which code that was made before does without
        from vm.tiers.threaded.translate import Table

        return Table(self.handlers, plain.fusions(self.handlers), plain.table(self.handlers, mode))


@once
def library() -> Library:
    """The process's library."""
    code = kept(
        "threaded",
        _source,
        _LEVEL,
        arena.bodies(),
        glue().externals | {"stencils": arena.stencils().start},
        sources=[key()],
        notice="wasmvm: making the threaded tier's machine code, once for this machine ...",
    )
    return Library(code)


@once
def key() -> bytes:
    """What the library is made from, and for which processor."""
    return cache.key(sources(PLACES), "llvmlite").encode()


def sources(places: tuple[str, ...]) -> list[bytes]:
    """What a text follows from, as a digest; making the text takes a hundred times as long."""
    return [cache.package_digest(places)]


def _source() -> str:
    from vm.tiers.threaded.source import source  # with all the meanings, which ready-made code does without

    return source()
