"""The compiler's records to machine code: stencils one behind the other, holes filled.

Behind them come stubs, one for each exit that has to say where it left, and then constants.
"""

from __future__ import annotations

import struct

from vm.tiers.baseline.kinds import A_SHIFT, FIRST_EXIT, HOLE_0, HOLE_1, RECORD_CELLS, TARGET
from vm.tiers.baseline.library import Library
from vm.tiers.baseline.stencil import ABSOLUTE_64, BYTE, NEGATED, NEGATED_BYTE, PC_RELATIVE
from vm.tiers.baseline.work import BASE, EXITS, POSITION, RECORDS, Work

_STENCIL = 0xFFFF
_WORD = (1 << 64) - 1
_pack = struct.Struct("<I").pack_into
_pack_long = struct.Struct("<Q").pack_into

_TAKEN, _POOL, _CONSTANT, _TRAP = 3, 4, 5, 6
_SOURCES = {"h0": 0, "h1": 1, "w0": 1, "k": 1, "q0": 2, "taken": _TAKEN, "pool": _POOL, "constant": _CONSTANT}

_Made = tuple[bytes, list[tuple[int, int, int, int]]]
"""A stencil with its registers in place: code, and holes as offset, source, kind, addend."""


class Assembler:
    """Makes code of records; remembers stencils with their registers in place."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._made: dict[int, _Made] = {}
        self._stub_size = len(self._get(library.numbers["handler"])[0])

    def size(self, w: Work) -> int:
        """An upper bound of the bytes that the code takes."""
        return (
            w.state[POSITION] + self._stub_size * w.state[EXITS] + 8 * (w.state[RECORDS] // RECORD_CELLS + 1)
        )

    def assemble(self, w: Work, address: int) -> bytearray:
        """The code for ``address``."""
        records, count = w.records, w.state[RECORDS]
        parts = [self._get(records[at]) for at in range(0, count, RECORD_CELLS)]
        out = bytearray().join([code for code, _ in parts])
        exits = self._append_stubs(w, out, address)
        out += bytes(-len(out) % 8)
        start = at = 0
        for code, holes in parts:
            for hole in holes:
                self._fill(w, out, address, start, at, exits, hole)
            start += len(code)
            at += RECORD_CELLS
        return out

    def _get(self, key: int) -> _Made:
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(key)
        return made

    def _make(self, key: int) -> _Made:
        _, code, _, _, traps, holes, flips = self._library.stencils[key & _STENCIL]
        changed = bytearray(code)
        for operand, bits in enumerate(flips):
            register = key >> A_SHIFT + 5 * operand & 15
            for bit, places in enumerate(bits):
                for byte, mask, compiled in places:
                    if (register ^ compiled) >> bit & 1:
                        changed[byte] ^= mask
        sources = {f"trap_{name}": _TRAP + i for i, name in enumerate(traps)} | _SOURCES
        return bytes(changed), [(offset, sources[name], kind, addend) for offset, name, kind, addend in holes]

    def _append_stubs(self, w: Work, out: bytearray, address: int) -> list[int]:
        """Where each exit leads to."""
        code, holes = self._get(self._library.numbers["handler"])
        places = {source: offset for offset, source, _, _ in holes}
        found = []
        for number in range(w.state[EXITS]):
            handler, word = w.exits[2 * number], w.exits[2 * number + 1]
            if word < 0:
                found.append(handler)
                continue
            start = len(out)
            out += code
            _pack_long(out, start + places[2], w.state[BASE] + 8 * word)
            jump = start + places[_TAKEN]
            _pack(out, jump, (handler - address - jump - 4) & 0xFFFF_FFFF)
            found.append(address + start)
        return found

    def _fill(
        self,
        w: Work,
        out: bytearray,
        address: int,
        start: int,
        at: int,
        exits: list[int],
        hole: tuple[int, int, int, int],
    ) -> None:
        offset, source, kind, addend = hole
        place = start + offset
        if source < _TAKEN:
            value = w.records[at + HOLE_0 + source]
        elif source == _TAKEN:
            target = w.records[at + TARGET]
            value = address + w.labels[target] - 1 if target >= 0 else exits[-1 - target]
        elif source == _POOL:
            value = address + len(out)
            out += (w.records[at + HOLE_1] & _WORD).to_bytes(8, "little")
        elif source == _CONSTANT:
            value = self._library.constants
        else:
            value = exits[w.records[at + FIRST_EXIT] + source - _TRAP]
        value += addend
        if kind == PC_RELATIVE:
            value -= address + place + 4
        elif kind in (NEGATED, NEGATED_BYTE):
            value = -value
        if kind == ABSOLUTE_64:
            _pack_long(out, place, value & _WORD)
        elif kind in (BYTE, NEGATED_BYTE):
            out[place] = value & 63
        else:
            _pack(out, place, value & 0xFFFF_FFFF)
