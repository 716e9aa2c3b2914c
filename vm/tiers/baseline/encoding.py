"""Just enough of x86-64's instruction format (Intel SDM, volume 2, chapter 2) to find the registers in code.

A stencil is compiled once, with its operands in certain registers; where those registers stand in its bytes
are holes, too, which ``registers`` finds. It refuses what it does not know: such a stencil is not used.
"""

from __future__ import annotations

from vm.tiers.baseline.registers import OPERANDS
from vm.typed import NamedTuple

GENERAL, VECTOR = 0, 1
"""Classes of registers."""

_ALU = frozenset(low | high for low in (0, 1, 2, 3) for high in range(0, 0x40, 8))
_MODRM = _ALU | {0x63, 0x69, 0x6B, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87, *range(0x88, 0x8C), 0x8D}
_MODRM |= {0xC0, 0xC1, 0xC6, 0xC7, 0xD0, 0xD1, 0xD2, 0xD3, 0xF6, 0xF7, 0xFE, 0xFF}
_IMM8 = frozenset({0x6B, 0x80, 0x83, 0xC0, 0xC1, 0xC6, 0xA8, *(low + 4 for low in range(0, 0x40, 8))})
_IMM32 = frozenset({0x69, 0x81, 0xC7, 0xA9, *(low + 5 for low in range(0, 0x40, 8))})
_ACCUMULATOR = frozenset({0xA8, 0xA9, 0x98, *(low + bit for low in range(0, 0x40, 8) for bit in (4, 5))})
_IN_OPCODE = frozenset({*range(0x50, 0x60), *range(0xB8, 0xC0)})

_TWO_GENERAL = frozenset({*range(0x40, 0x50), *range(0x90, 0xA0), 0xA3, 0xAB, 0xAF, 0xA4, 0xAC, 0xA5, 0xAD})
_TWO_GENERAL |= {0xB3, 0xB6, 0xB7, 0xB8, 0xBA, 0xBB, 0xBC, 0xBD, 0xBE, 0xBF}
_TWO_VECTOR = frozenset({*range(0x10, 0x18), 0x28, 0x29, *range(0x2E, 0x30), *range(0x51, 0x6E), 0x6F})
_TWO_VECTOR |= {0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x7C, 0x7D, 0x7F, 0xC2, 0xC6, 0xD6}
_TWO_VECTOR |= {*range(0xD0, 0xD7), *range(0xD8, 0xF0), *range(0xF1, 0xFF)}
_TWO_IMM8 = frozenset({0x70, 0x71, 0x72, 0x73, 0xA4, 0xAC, 0xBA, 0xC2, 0xC4, 0xC5, 0xC6})
_MIXED = {
    0x2A: (VECTOR, GENERAL),
    0x2C: (GENERAL, VECTOR),
    0x2D: (GENERAL, VECTOR),
    0x50: (GENERAL, VECTOR),
    0x6E: (VECTOR, GENERAL),
    0xC4: (VECTOR, GENERAL),
    0xC5: (GENERAL, VECTOR),
    0xD7: (GENERAL, VECTOR),
}
_GENERAL_38 = frozenset({0xF0, 0xF1, 0xF2, 0xF3, 0xF5, 0xF6, 0xF7})
_MIXED_3A = {
    0x14: (VECTOR, GENERAL),
    0x15: (VECTOR, GENERAL),
    0x16: (VECTOR, GENERAL),
    0x17: (VECTOR, GENERAL),
    0x20: (VECTOR, GENERAL),
    0x22: (VECTOR, GENERAL),
    0xF0: (GENERAL, GENERAL),
}
_DIVIDES = {4, 5, 6, 7}
RAX, RCX, RDX, RBX = range(4)
R12 = 12


class Place(NamedTuple):
    """Where the number of a register stands: three bits at ``low``'s byte and shift, the fourth at ``high``'s
    (None where the encoding has no room for it). Bits may be inverted, so another number flips some.
    """

    number: int
    kind: int
    low: tuple[int, int]
    high: tuple[int, int] | None

    def flips(self, number: int) -> list[tuple[int, int]]:
        """(byte, mask) pairs to be flipped for another register."""
        changed = self.number ^ number
        found = []
        if changed & 7:
            found.append((self.low[0], (changed & 7) << self.low[1]))
        if changed & 8:
            if self.high is None:
                raise UnknownInstruction("a register beyond the seventh")
            found.append((self.high[0], 1 << self.high[1]))
        return found


class Instruction(NamedTuple):
    """``size`` bytes; the registers named in them, those used without being named, where an 8 or 32 bit
    branch distance lies (-1: nowhere).
    """

    size: int
    places: list[Place]
    implied: frozenset[int]
    branch: int = -1


class UnknownInstruction(Exception):
    """An instruction that this file does not know."""


class _Prefixes(NamedTuple):
    """What stands in front of an opcode: maps are 1 (one byte), 2 (0F), 3 (0F 38), 4 (0F 3A).

    ``r``, ``x``, ``b`` and ``v`` say where further bits of register numbers are, as byte and shift.
    """

    at: int
    map: int
    simd: int
    w: bool = False
    r: tuple[int, int] | None = None
    x: tuple[int, int] | None = None
    b: tuple[int, int] | None = None
    rxb: int = 0
    vex: bool = False
    v: tuple[int, int] | None = None
    rex: bool = False


def decode(code: bytes, at: int) -> Instruction:
    """The instruction at ``at``; ``UnknownInstruction`` when it is none of those known here."""
    start = at
    simd = 0
    while code[at] in (0x66, 0xF2, 0xF3):
        simd = code[at]
        at += 1
    head = code[at]
    prefixes = _vex(code, at) if head in (0xC4, 0xC5) else _legacy(code, at, simd)
    return _Body(code, start, prefixes).read()


def _vex(code: bytes, at: int) -> _Prefixes:
    if code[at] == 0xC5:
        second = code[at + 1]
        rxb = 0 if second & 0x80 else 4
        return _Prefixes(at + 2, 2, second & 3, r=(at + 1, 7), rxb=rxb, vex=True, v=(at + 1, 3))
    first, second = code[at + 1], code[at + 2]
    r, x, b = ((at + 1, 7 - i) for i in range(3))
    rxb = (first >> 5 & 7) ^ 7
    return _Prefixes(
        at + 3, (first & 31) + 1, second & 3, second > 0x7F, r, x, b, rxb, vex=True, v=(at + 2, 3)
    )


def _legacy(code: bytes, at: int, simd: int) -> _Prefixes:
    rex = code[at] if code[at] & 0xF0 == 0x40 else 0
    place = at
    at += bool(rex)
    opcode_map = 1
    if code[at] == 0x0F:
        opcode_map, at = 2, at + 1
        if code[at] in (0x38, 0x3A):
            opcode_map, at = (3 if code[at] == 0x38 else 4), at + 1
    if not rex:
        return _Prefixes(at, opcode_map, simd)
    r, x, b = ((place, 2 - i) for i in range(3))
    return _Prefixes(at, opcode_map, simd, bool(rex & 8), r, x, b, rex & 7, rex=True)


class _Body:
    """The opcode and what follows."""

    def __init__(self, code: bytes, start: int, prefixes: _Prefixes) -> None:
        self.code = code
        self.start = start
        self.p = prefixes
        self.places: list[Place] = []
        self.implied: set[int] = set()

    def read(self) -> Instruction:
        """All of it."""
        opcode, at = self.code[self.p.at], self.p.at + 1
        if self.p.map == 1:
            return self._one_byte(opcode, at)
        if self.p.map == 2 and opcode & 0xF0 == 0x80:
            return self._done(at + 4, at)
        if self.p.map == 2 and opcode == 0x0B:
            return self._done(at)
        if self.p.map == 2 and opcode >= 0xC8 and opcode < 0xD0 and not self.p.vex:
            self._add(opcode & 7, GENERAL, (self.p.at, 0), self.p.b, 1)
            return self._done(at)
        kinds = self._kinds(opcode)
        at = self._modrm(at, *kinds, vector=VECTOR in kinds)
        if self.p.map == 4 and 0x4A <= opcode <= 0x4C:  # a fourth register
            self.places.append(Place(self.code[at] >> 4, VECTOR, (at, 4), (at, 7)))
        immediate = self.p.map == 4 or (self.p.map == 2 and opcode in _TWO_IMM8)
        return self._done(at + immediate)

    def _one_byte(self, opcode: int, at: int) -> Instruction:
        if opcode in (0xE9, 0xE8):
            return self._done(at + 4, at)
        if opcode == 0xEB or opcode & 0xF0 == 0x70:
            return self._done(at + 1, at)
        if opcode in (0x90, 0xC3):
            return self._done(at)
        if opcode == 0x99 or opcode in _ACCUMULATOR:
            self.implied |= {RAX, RDX}
            size = 1 if opcode in _IMM8 else 4 if opcode in _IMM32 else 0
            return self._done(at + size)
        if opcode in _IN_OPCODE:
            self._add(opcode & 7, GENERAL, (self.p.at, 0), self.p.b, 1)
            if opcode < 0x60:
                return self._done(at)
            return self._done(at + (8 if self.p.w else 4))
        if opcode not in _MODRM:
            raise UnknownInstruction(f"opcode {opcode:#x}")
        group = self.code[at] >> 3 & 7
        byte = opcode in (
            0x84,
            0x86,
            0x88,
            0x8A,
            0xF6,
            0xFE,
            0x80,
            0xC6,
            *range(0, 0x40, 8),
            *range(2, 0x42, 8),
        )
        if byte and not self.p.rex:  # AH and so on are other registers than those the numbers mean with REX
            self._refuse_high_bytes(at, opcode)
        if opcode in (0xD2, 0xD3):
            self.implied.add(RCX)
        if opcode in (0xF6, 0xF7) and group in _DIVIDES:
            self.implied |= {RAX, RDX}
        named = opcode not in (0x80, 0x81, 0x83, 0xC0, 0xC1, 0xC6, 0xC7, 0xF6, 0xF7, 0xFE, 0xFF) and not (
            0xD0 <= opcode <= 0xD3
        )
        at = self._modrm(at, GENERAL if named else -1, GENERAL)
        size = 1 if opcode in _IMM8 else 4 if opcode in _IMM32 else 0
        if self.code[self.start] == 0x66 and size == 4:
            size = 2
        if opcode in (0xF6, 0xF7) and group < 2:
            size = 1 if opcode == 0xF6 else 4
        return self._done(at + size)

    def _refuse_high_bytes(self, at: int, opcode: int) -> None:
        modrm = self.code[at]
        fields = [modrm >> 3 & 7] if opcode not in (0x80, 0xC6, 0xF6, 0xFE) else []
        if modrm >> 6 == 3:
            fields.append(modrm & 7)
        if any(field > RBX for field in fields):
            raise UnknownInstruction("a byte register without a number")

    def _kinds(self, opcode: int) -> tuple[int, int]:
        """Classes of what ModRM's fields name."""
        if self.p.map == 2:
            if opcode in _MIXED:
                return _MIXED[opcode]
            if opcode == 0x7E:
                return VECTOR, VECTOR if self.p.simd == (2 if self.p.vex else 0xF3) else GENERAL
            if opcode in _TWO_VECTOR:
                return (-1 if opcode in (0x71, 0x72, 0x73) else VECTOR), VECTOR
            if opcode in _TWO_GENERAL:
                if opcode in (0xA5, 0xAD):
                    self.implied.add(RCX)
                byte = 0x90 <= opcode < 0xA0
                if (byte or opcode in (0xB6, 0xBE)) and not self.p.rex:
                    self._refuse_high_bytes(self.p.at + 1, 0x80)
                return (-1 if byte or opcode == 0xBA else GENERAL), GENERAL
        if self.p.map == 3:
            return (GENERAL, GENERAL) if opcode in _GENERAL_38 else (VECTOR, VECTOR)
        if self.p.map == 4:
            return _MIXED_3A.get(opcode, (VECTOR, VECTOR))
        raise UnknownInstruction(f"opcode 0f {opcode:#x}")

    def _modrm(self, at: int, reg: int, rm: int, *, vector: bool = False) -> int:
        modrm = self.code[at]
        mode = modrm >> 6
        if reg >= 0:
            self._add(modrm >> 3 & 7, reg, (at, 3), self.p.r, 4)
        if self.p.vex and self.p.v is not None:
            self._vvvv(VECTOR if vector else GENERAL)
        if mode == 3:
            self._add(modrm & 7, rm, (at, 0), self.p.b, 1)
            return at + 1
        following = at + 1
        if modrm & 7 == 4:
            sib = self.code[following]
            if sib >> 3 & 7 != 4 or self.p.rxb & 2:
                self._add(sib >> 3 & 7, GENERAL, (following, 3), self.p.x, 2)
            if sib & 7 == 5 and mode == 0:
                following += 4
            else:
                self._add(sib & 7, GENERAL, (following, 0), self.p.b, 1)
            following += 1
        elif modrm & 7 == 5 and mode == 0:
            return following + 4
        else:
            self._add(modrm & 7, GENERAL, (at, 0), self.p.b, 1, base=True)
        return following + (1 if mode == 1 else 4 if mode == 2 else 0)

    def _vvvv(self, kind: int) -> None:
        assert self.p.v is not None
        byte, shift = self.p.v
        number = self.code[byte] >> shift & 15 ^ 15
        if number:  # none is written as 0, which no operand of ours has
            self.places.append(Place(number, kind, (byte, shift), (byte, shift + 3)))

    def _add(
        self,
        low: int,
        kind: int,
        place: tuple[int, int],
        high: tuple[int, int] | None,
        bit: int,
        *,
        base: bool = False,
    ) -> None:
        number = low | (8 if self.p.rxb & bit else 0)
        if base and number in OPERANDS:  # R12 as a base is written in another way
            self.implied.add(R12)
        self.places.append(Place(number, kind, place, high))

    def _done(self, end: int, branch: int = -1) -> Instruction:
        return Instruction(end - self.start, self.places, frozenset(self.implied), branch)
