"""A loader for the relocatable ELF objects that LLVM emits for x86-64 (System V ABI, AMD64 supplement, 4.4).

Sections that occupy memory are laid out one after the other; functions outside the object are reached through
small jumps at the image's end, since they may be farther than a 32-bit displacement; code that takes the
address of such a symbol (which may be any number that is known only now) reads it there; small numbers are
put into instructions. A relocation or a
symbol that the loader does not know raises ``VMError``: nothing is left unresolved.
"""

from __future__ import annotations

import struct

from vm.errors import VMError
from vm.native.linked import Linked, Loaded, finish, refusal
from vm.records import Record
from vm.typed import Any, Callable, Iterator, Mapping

_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_PROGBITS, _SYMTAB, _RELA = 1, 2, 4
_ALLOC = 2
_FUNC = 2
_R64, _RPC32, _RPLT32, _RPC64 = 1, 2, 4, 24
_NUMBERS = (10, 11)  # R_X86_64_32, R_X86_64_32S, of symbols that are numbers: they have no place
_GOT = (9, 41, 42)  # R_X86_64_GOTPCREL, GOTPCRELX, REX_GOTPCRELX

_STUB_SIZE = 16
_CELL = 6
"""Where in a stub the address lies."""

_MOST_ALIGNED = 1 << 12
_MOST = 1 << 30
"""Bytes that a section is aligned to, and that an image has, at most; LLVM's code needs far less."""


class _Section(Record, frozen=True):
    name: str
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    align: int


def load(
    binary: bytes, place: Callable[[int], int], externals: Mapping[str, int], find: Callable[[str], int]
) -> Loaded:
    """Link ``binary`` for the address that ``place(size)`` returns.

    Undefined symbols come from ``externals`` first, then from ``find``. Raises ``VMError`` for bytes that are
    no such object, whatever they are.
    """
    return finish(link(binary), place, externals, find)


def link(binary: bytes) -> Linked:
    """Do what does not depend on the place. Raises as ``load`` does."""
    try:
        return _Linker(binary).link()
    except (IndexError, KeyError, OverflowError, UnicodeDecodeError, ValueError, struct.error) as error:
        raise refusal(error) from None


def contents(binary: bytes, prefix: str) -> dict[str, bytes]:
    """The sections whose names start with ``prefix``, linked as if the object had been loaded at 0."""
    return _Linker(binary).contents(prefix)


class Relocation(Record, frozen=True):
    """What is filled in at ``offset``: a symbol's value, or section ``section``'s place, plus ``addend``."""

    offset: int
    symbol: str
    section: int
    kind: int
    addend: int


class Unlinked(Record, frozen=True):
    """A function's code as it stands in an object file."""

    name: str
    code: bytes
    relocations: list[Relocation]


def functions(binary: bytes) -> tuple[list[Unlinked], dict[int, bytes]]:
    """The functions of an object, not linked, and its sections by number."""
    return _Linker(binary).functions()


class _Linker:
    def __init__(self, binary: bytes) -> None:
        self.binary = binary
        self.sections = self._read_sections()
        self.places: dict[int, int] = {}
        self.stubs: dict[str, int] = {}
        self.image = bytearray()
        self.absolute: list[int] = []
        self.numbers: list[tuple[int, str, int]] = []

    def link(self) -> Linked:
        """Lay out, resolve, relocate."""
        self._lay_out()
        self._pad(_STUB_SIZE)
        symbols = self._read_symbols()
        undefined = self._reached(symbols)
        for name in undefined:
            self.stubs[name] = len(self.image)
            self.image += bytes(_STUB_SIZE)
        for section in self.sections:
            if section.kind == _RELA and section.info in self.places:
                self._relocate(section, symbols)
        functions = {
            name: self.places[section] + value
            for name, section, value, function in symbols
            if section in self.places and function
        }
        if any(offset >= len(self.image) for offset in functions.values()):
            raise ValueError("a function lies elsewhere")
        return Linked(bytes(self.image), functions, self.stubs, self.absolute, self.numbers)

    def _reached(self, symbols: list[tuple[str, int, int, bool]]) -> list[str]:
        """The symbols outside the object that code goes to or whose address it takes, in order."""
        numbers: dict[int, None] = {}
        for section in self.sections:
            if section.kind == _RELA and section.info in self.places:
                for _, info, _ in self._rows(_RELOCATION, section):
                    if info & 0xFFFF_FFFF not in _NUMBERS:
                        numbers[info >> 32] = None
        return [symbols[number][0] for number in sorted(numbers) if symbols[number][1] == 0]

    def contents(self, prefix: str) -> dict[str, bytes]:
        """See ``contents``; other sections than the code's lie at 0 themselves."""
        self._lay_out()
        symbols = self._read_symbols()
        found = {
            number: bytearray(self.binary[section.offset : section.offset + section.size])
            for number, section in enumerate(self.sections)
            if section.name.startswith(prefix) and section.kind == _PROGBITS
        }
        for section in self.sections:
            if section.kind == _RELA and section.info in found:
                for offset, info, addend in self._rows(_RELOCATION, section):
                    _, number, value, _ = symbols[info >> 32]
                    form = "<Q" if info & 0xFFFF_FFFF == _R64 else "<I"
                    target = self.places.get(number, 0) + value + addend
                    struct.pack_into(form, found[section.info], offset, target)
        return {self.sections[number].name: bytes(content) for number, content in found.items()}

    def functions(self) -> tuple[list[Unlinked], dict[int, bytes]]:
        """See ``functions``. They end where the next begins: LLVM's padding stands in front of that."""
        symbols = self._read_symbols()
        contents = {
            number: self.binary[section.offset : section.offset + section.size]
            for number, section in enumerate(self.sections)
            if section.kind == _PROGBITS
        }
        relocations: dict[int, list[Relocation]] = {number: [] for number in contents}
        for section in self.sections:
            if section.kind == _RELA and section.info in contents:
                for offset, info, addend in self._rows(_RELOCATION, section):
                    name, number, value, _ = symbols[info >> 32]
                    kind = info & 0xFFFF_FFFF
                    found = Relocation(offset, name, number, kind, addend + (value if number else 0))
                    relocations[section.info].append(found)
        made = []
        sizes = self._sizes()
        for (name, number, value, function), size in zip(symbols, sizes, strict=True):
            if function and number in contents:
                end = value + size
                inside = [
                    Relocation(r.offset - value, r.symbol, r.section, r.kind, r.addend)
                    for r in relocations[number]
                    if value <= r.offset < end
                ]
                made.append(Unlinked(name, contents[number][value:end], inside))
        return made, contents

    def _sizes(self) -> list[int]:
        """The sizes of the symbols."""
        table = next((section for section in self.sections if section.kind == _SYMTAB), None)
        if table is None:
            return []
        return [row[5] for row in self._rows(_SYMBOL, table)]

    def _lay_out(self) -> None:
        """Put the sections that occupy memory one behind the other."""
        for number, section in enumerate(self.sections):
            if section.flags & _ALLOC and section.kind == _PROGBITS:
                self._pad(section.align)
                self.places[number] = len(self.image)
                content = self.binary[section.offset : section.offset + section.size]
                if len(content) != section.size:
                    raise ValueError("a section ends behind the file")
                self.image += content

    def _pad(self, align: int) -> None:
        if align > _MOST_ALIGNED or len(self.image) > _MOST:
            raise ValueError("a section does not fit")
        self.image += bytes(-len(self.image) % max(align, 1))

    def _read_sections(self) -> list[_Section]:
        start = int.from_bytes(self.binary[0x28:0x30], "little")
        count, names = struct.unpack_from("<HH", self.binary, 0x3C)
        raw = [_SECTION.unpack_from(self.binary, start + i * _SECTION.size) for i in range(count)]
        strings = raw[names][4]
        return [
            _Section(self._string(strings + name), kind, flags, offset, size, link, info, align)
            for name, kind, flags, _, offset, size, link, info, align, _ in raw
        ]

    def _string(self, at: int) -> str:
        return self.binary[at : self.binary.index(b"\0", at)].decode()

    def _read_symbols(self) -> list[tuple[str, int, int, bool]]:
        """(name, section, value, whether it is a function) of each symbol."""
        table = next((section for section in self.sections if section.kind == _SYMTAB), None)
        if table is None:
            return []
        strings = self.sections[table.link].offset
        binary, end = self.binary, self.binary.index
        return [
            (
                binary[strings + name : end(b"\0", strings + name)].decode(),
                section,
                value,
                info & 0xF == _FUNC,
            )
            for name, info, _, section, value, _ in self._rows(_SYMBOL, table)
        ]

    def _rows(self, layout: struct.Struct, section: _Section) -> Iterator[tuple[Any, ...]]:
        """A section's content, as rows of this layout."""
        content = self.binary[section.offset : section.offset + section.size]
        if len(content) != section.size:
            raise ValueError("a section ends behind the file")
        return layout.iter_unpack(content)

    def _relocate(self, section: _Section, symbols: list[tuple[str, int, int, bool]]) -> None:
        place, image = self.places[section.info], self.image
        for offset, info, addend in self._rows(_RELOCATION, section):
            name, number, value, _ = symbols[info >> 32]
            here, kind = place + offset, info & 0xFFFF_FFFF
            if number == 0 and kind in _NUMBERS:
                struct.pack_into("<i", image, here, 0)
                self.numbers.append((here, name, addend))
                continue
            target = (self.stubs[name] if number == 0 else self.places[number] + value) + addend
            if kind in (_RPC32, _RPLT32):
                struct.pack_into("<i", image, here, target - here)
            elif kind == _R64:
                struct.pack_into("<q", image, here, target)
                self.absolute.append(here)
            elif kind == _RPC64:
                struct.pack_into("<q", image, here, target - here)
            elif kind in _GOT and number == 0:
                struct.pack_into("<i", image, here, target + _CELL - here)
            else:
                raise VMError(f"relocation type {kind} in {section.name}: the loader does not know it")
