"""The compiler's records to machine code: stencils one behind the other, holes filled.

Behind them come stubs, one for each exit that has to say where it left, and then constants.
"""

from __future__ import annotations

import struct

from vm.tiers.baseline.kinds import (
    A_SHIFT,
    CODE,
    CONSTANT,
    FIRST_EXIT,
    FLIP_CELLS,
    FLIP_COUNT,
    FLIPS,
    HOLE_0,
    HOLE_1,
    HOLE_CELLS,
    HOLE_COUNT,
    HOLES,
    POOL,
    RECORD_CELLS,
    SIZE,
    STENCIL_CELLS,
    TABLE_AT,
    TAKEN,
    TARGET,
    TRAP,
)
from vm.tiers.baseline.library import Library
from vm.tiers.baseline.stencil import ABSOLUTE_64, BYTE, NEGATED, NEGATED_BYTE, PC_RELATIVE
from vm.tiers.baseline.work import BASE, EXITS, RECORDS, Work

_STENCIL = 0xFFFF
_WORD = (1 << 64) - 1
_pack = struct.Struct("<I").pack_into
_pack_long = struct.Struct("<Q").pack_into

Made = tuple[bytes, list[tuple[int, int, int, int]]]
"""A stencil with its registers in place: code, and holes as offset, source, kind, addend."""


class Assembler:
    """Makes code of records; remembers stencils with their registers in place."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._made: dict[int, Made] = {}

    def assemble(self, w: Work, address: int) -> bytearray:
        """The code for ``address``."""
        records, count = w.records, w.state[RECORDS]
        parts = [self.stencil(records[at]) for at in range(0, count, RECORD_CELLS)]
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

    def stencil(self, key: int) -> Made:
        """The stencil that a record's first cell names, with its registers in place."""
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(key)
        return made

    def _make(self, key: int) -> Made:
        library = self._library
        at = (key & _STENCIL) * STENCIL_CELLS
        size, begin = library.rows[at + SIZE], library.rows[at + CODE]
        code = bytearray(library.code[begin : begin + size])
        first, count = library.rows[at + FLIPS], library.rows[at + FLIP_COUNT]
        for flip in range(first * FLIP_CELLS, (first + count) * FLIP_CELLS, FLIP_CELLS):
            operand, bit, byte, mask, compiled = library.flips[flip : flip + FLIP_CELLS]
            if key >> A_SHIFT + 5 * operand + bit & 1 != compiled:
                code[byte] ^= mask
        first, count = library.rows[at + HOLES], library.rows[at + HOLE_COUNT]
        found = []
        for hole in range(first * HOLE_CELLS, (first + count) * HOLE_CELLS, HOLE_CELLS):
            offset, source, kind, addend = library.holes[hole : hole + HOLE_CELLS]
            found.append((offset, source, kind, addend))
        return bytes(code), found

    def _append_stubs(self, w: Work, out: bytearray, address: int) -> list[int]:
        """Where each exit leads to."""
        code, holes = self.stencil(self._library.numbers["handler"])
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
            jump = start + places[TAKEN]
            _pack(out, jump, (handler - address - jump - 4) & 0xFFFF_FFFF)
            found.append(address + start)
        return found

    def _table(self, w: Work, address: int, at: int) -> bytes:
        """The addresses that a table jump goes to."""
        distances = w.code[at + 2 : at + 3 + (w.code[at + 1] >> 32)]
        return b"".join(
            (address + w.labels[at + (distance >> 3)] - 1).to_bytes(8, "little") for distance in distances
        )

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
        if source < TAKEN:
            value = w.records[at + HOLE_0 + source]
        elif source == TAKEN:
            target = w.records[at + TARGET]
            value = address + w.labels[target] - 1 if target >= 0 else exits[-1 - target]
        elif source == POOL:
            value = address + len(out)
            out += (w.records[at + HOLE_1] & _WORD).to_bytes(8, "little")
        elif source == TABLE_AT:
            value = address + len(out)
            out += self._table(w, address, w.records[at + TARGET])
        elif source == CONSTANT:
            value = self._library.constants
        else:
            value = exits[w.records[at + FIRST_EXIT] + source - TRAP]
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
