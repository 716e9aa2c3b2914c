"""Where machine code comes from, read from the debug information that LLVM puts beside it (DWARF 4).

Two sections say all that a backtrace needs: the line table maps addresses to lines, and the tree of scopes
says which calls were inlined there, and from which lines. What "line" means is the translator's affair.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from vm.errors import DecodeError
from vm.module.leb import signed, unsigned
from vm.native.elf import contents

_INLINED, _SUBPROGRAM = 0x1D, 0x2E
_LOW, _HIGH, _RANGES, _CALL_LINE = 0x11, 0x12, 0x55, 0x59
_ADDRESS_FORM = 0x01
_WHOLE = (1 << 64) - 1

_FIXED = {
    0x01: 8,
    0x05: 2,
    0x06: 4,
    0x07: 8,
    0x0B: 1,
    0x0C: 1,
    0x0E: 4,
    0x11: 1,
    0x12: 2,
    0x13: 4,
    0x17: 4,
    0x19: 0,
}
"""Bytes of the forms of fixed size (DWARF 4, section 7.5.4)."""


@dataclass(slots=True)
class _Scope:
    """A function's code, or that of a call which was inlined into it at line ``called``."""

    ranges: list[tuple[int, int]]
    called: int
    inner: list[_Scope] = field(default_factory=list)

    def holds(self, address: int) -> bool:
        """Whether ``address`` is in it."""
        return any(low <= address < high for low, high in self.ranges)


class Locations:
    """The debug information of one object, whose code was put at ``base``."""

    def __init__(self, binary: bytes, base: int) -> None:
        self._base = base
        self._sections = contents(binary, ".debug_")
        rows = sorted(_line_table(self._sections[".debug_line"]), key=lambda row: row[0])
        self._addresses = [address for address, _ in rows]
        self._lines = [line for _, line in rows]
        self._scopes = list(_Tree(self._sections).read())

    def lines(self, address: int) -> list[int]:
        """The line of the instruction at ``address``, then those of the calls that were inlined around it,
        innermost first; nothing when the code is not known. 0 is no line.
        """
        at = address - self._base
        row = bisect.bisect_right(self._addresses, at) - 1  # of several, the last one counts
        if row < 0:
            return []
        calls: list[int] = []
        scopes = self._scopes
        while (scope := next((scope for scope in scopes if scope.holds(at)), None)) is not None:
            calls.append(scope.called)
            scopes = scope.inner
        return [self._lines[row], *calls[:0:-1]]


def _line_table(data: bytes) -> Iterator[tuple[int, int]]:
    """(address, line) of each row, of one unit after another (section 6.2)."""
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        (header,) = struct.unpack_from("<I", data, at + 6)
        yield from _line_program(data, at, at + 10 + header, at + 4 + length)
        at += 4 + length


def _line_program(data: bytes, start: int, at: int, end: int) -> Iterator[tuple[int, int]]:
    step, _, _, base, spread, first = struct.unpack_from("<BBBbBB", data, start + 10)
    lengths = data[start + 16 : start + 16 + first - 1]
    address, line = 0, 1
    while at < end:
        opcode = data[at]
        at += 1
        if opcode >= first:  # special: both move, and a row comes out
            address += (opcode - first) // spread * step
            line += base + (opcode - first) % spread
            yield address, line
        elif opcode == 0:  # extended
            size, at = unsigned(data, at, 64)
            if data[at] == 1:  # the end of a sequence: what lies behind it has no line
                yield address, 0
                address, line = 0, 1
            elif data[at] == 2:
                (address,) = struct.unpack_from("<Q", data, at + 1)
            at += size
        elif opcode == 1:  # copy
            yield address, line
        elif opcode == 2:
            moved, at = unsigned(data, at, 64)
            address += moved * step
        elif opcode == 3:
            moved, at = signed(data, at, 64)
            line += moved
        elif opcode == 8:
            address += (255 - first) // spread * step
        elif opcode == 9:
            address += struct.unpack_from("<H", data, at)[0]
            at += 2
        else:
            for _ in range(lengths[opcode - 1]):
                _, at = unsigned(data, at, 64)


class _Tree:
    """Reads the scopes of one compilation unit (section 7.5)."""

    def __init__(self, sections: dict[str, bytes]) -> None:
        self._data = sections[".debug_info"]
        self._kinds = _abbreviations(sections[".debug_abbrev"])
        self._ranges = sections.get(".debug_ranges", b"")
        self._at = 11  # behind the unit's header

    def read(self) -> Iterator[_Scope]:
        """The functions."""
        root = _Scope([], 0)
        open_scopes = [root]
        while self._at < len(self._data):
            code, self._at = unsigned(self._data, self._at)
            if code == 0:
                open_scopes.pop()
                if len(open_scopes) <= 1:
                    break
                continue
            tag, children, attributes = self._kinds[code]
            values = {name: self._value(form) for name, form in attributes}
            scope = open_scopes[-1]
            if tag in (_INLINED, _SUBPROGRAM):
                scope = _Scope(self._extent(values, dict(attributes)), values.get(_CALL_LINE, 0))
                open_scopes[-1].inner.append(scope)
            if children:
                open_scopes.append(scope)
        yield from root.inner

    def _extent(self, values: dict[int, int], forms: dict[int, int]) -> list[tuple[int, int]]:
        if _RANGES in values:
            return list(self._list(values[_RANGES]))
        if _LOW not in values or _HIGH not in values:
            return []
        low, high = values[_LOW], values[_HIGH]
        return [(low, high if forms[_HIGH] == _ADDRESS_FORM else low + high)]

    def _list(self, at: int) -> Iterator[tuple[int, int]]:
        base = 0
        while True:
            low, high = struct.unpack_from("<QQ", self._ranges, at)
            at += 16
            if low == high == 0:
                return
            if low == _WHOLE:
                base = high
            else:
                yield base + low, base + high

    def _value(self, form: int) -> int:
        data, at = self._data, self._at
        if form in _FIXED:
            self._at = at + _FIXED[form]
            return int.from_bytes(data[at : self._at], "little")
        reader = _VARIABLE.get(form)
        if reader is None:
            raise DecodeError("unknown form of debug information", at, hex(form))
        value, self._at = reader(data, at)
        return value


def _block(data: bytes, at: int) -> tuple[int, int]:
    size, at = unsigned(data, at, 64)
    return 0, at + size


_VARIABLE: dict[int, Callable[[bytes, int], tuple[int, int]]] = {
    0x08: lambda data, at: (0, data.index(b"\0", at) + 1),
    0x0D: lambda data, at: signed(data, at, 64),
    0x0F: lambda data, at: unsigned(data, at, 64),
    0x18: _block,
}
"""Readers of the other forms: strings, numbers, blocks."""


def _abbreviations(data: bytes) -> dict[int, tuple[int, bool, list[tuple[int, int]]]]:
    """Tag, whether there are children, and (attribute, form) by code (section 7.5.3)."""
    found = {}
    at = 0
    while at < len(data):
        code, at = unsigned(data, at)
        if code == 0:
            break
        tag, at = unsigned(data, at)
        children = bool(data[at])
        at += 1
        attributes = []
        while True:
            name, at = unsigned(data, at)
            form, at = unsigned(data, at)
            if name == form == 0:
                break
            attributes.append((name, form))
        found[code] = tag, children, attributes
    return found
