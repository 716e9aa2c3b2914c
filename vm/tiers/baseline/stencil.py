"""From an object file to stencils: code with holes, which end where the next stencil begins.

What LLVM writes behind a jump to ``next`` goes in front of it or away: jumps that only lead to other jumps
are followed, and of a branch and a jump at the end, the one to ``next`` falls through.
"""

from __future__ import annotations

from vm.records import Record
from vm.tiers.baseline.encoding import GENERAL, Instruction, UnknownInstruction, decode
from vm.tiers.baseline.registers import OPERANDS, PASSED, VECTOR_OPERANDS

PC_RELATIVE, ABSOLUTE, ABSOLUTE_64, NEGATED, BYTE, NEGATED_BYTE = range(6)
"""Kinds of holes: for an address less the one behind, a number in 4 bytes or 8, a number with the other sign,
a number in a byte."""

WIDTHS = (4, 4, 8, 4, 1, 1)
"""Their bytes."""


class Hole(Record, frozen=True):
    """``addend`` plus the value of ``symbol`` goes to ``offset``."""

    offset: int
    symbol: str
    kind: int
    addend: int


class Stencil(Record):
    """``flips[i][j]`` are bits to be flipped, as byte, mask and register, when operand ``i`` is in another
    register than that, and its number differs in bit ``j``. Operands in ``avoided`` registers would be lost.
    """

    name: str
    code: bytes
    holes: list[Hole]
    flips: list[list[list[tuple[int, int, int]]]]
    avoided: int
    single: bool


class _Line(Record):
    """An instruction; ``target`` is the offset or the symbol that it jumps to."""

    at: int
    code: bytearray
    holes: list[Hole]
    decoded: Instruction
    target: int | str | None = None
    place: int = 0


_JUMP = 0xE9


def make(name: str, code: bytes, holes: list[Hole]) -> Stencil:
    """A stencil; ``UnknownInstruction`` when its code cannot be made one."""
    lines = _thread(_lines(code, holes))
    body, size = _close(lines)
    avoided = 0
    flips: list[list[list[tuple[int, int, int]]]] = [[[] for _ in range(4)] for _ in OPERANDS]
    for line in body:
        for number in line.decoded.implied:
            avoided |= 1 << number
        for found in line.decoded.places:
            operands = OPERANDS if found.kind == GENERAL else VECTOR_OPERANDS
            if found.number not in operands:
                avoided |= 1 << found.number if found.kind == GENERAL and found.number in PASSED else 0
                continue
            moved = line.place - line.at
            for bit in range(4 if found.kind == GENERAL else 3):
                for byte, mask in found.flips(found.number ^ 1 << bit):
                    flips[operands.index(found.number)][bit].append((byte + moved, mask, found.number))
    return Stencil(
        name,
        b"".join(bytes(line.code) for line in body),
        [_moved(hole, line) for line in body for hole in line.holes],
        flips,
        avoided,
        size == 1,
    )


def constant_hole(codes: list[bytes], constants: tuple[int, ...]) -> Hole | None:
    """Where code has a constant, from what it is with each of these; None if it is more than one place."""
    first, second = codes
    if len(first) != len(second):
        return None
    different = [i for i, (x, y) in enumerate(zip(first, second, strict=True)) if x != y]
    for kind, sign in ((ABSOLUTE, 1), (NEGATED, -1), (BYTE, 1), (NEGATED_BYTE, -1)):
        width = WIDTHS[kind]
        for at in different[:1]:
            wanted = [
                (sign * constant) & ((1 << 8 * width) - 1 if width > 1 else 31) for constant in constants
            ]
            found = [int.from_bytes(code[at : at + width], "little") for code in codes]
            if width == 1:
                found = [number & 31 for number in found]
            if found == wanted and at + width > different[-1]:
                return Hole(at, "k", kind, 0)
    return None


def _moved(hole: Hole, line: _Line) -> Hole:
    return Hole(hole.offset - line.at + line.place, hole.symbol, hole.kind, hole.addend)


def _lines(code: bytes, holes: list[Hole]) -> list[_Line]:
    lines, at = [], 0
    while at < len(code):
        decoded = decode(code, at)
        end = at + decoded.size
        inside = [hole for hole in holes if at <= hole.offset < end]
        line = _Line(at, bytearray(code[at:end]), inside, decoded)
        if decoded.branch >= 0:
            wide = end - decoded.branch == 4
            distance = int.from_bytes(code[decoded.branch : end], "little", signed=True)
            line.target = inside[0].symbol if inside else end + distance
            line.holes = []
            if not wide:
                _widen(line)
        lines.append(line)
        at = end
    return lines


def _widen(line: _Line) -> None:
    """A jump with a distance of 32 bits instead of 8."""
    opcode = line.code[0]
    line.code = bytearray((_JUMP, 0, 0, 0, 0) if opcode == 0xEB else (0x0F, opcode + 0x10, 0, 0, 0, 0))


def _thread(lines: list[_Line]) -> list[_Line]:
    """Follow jumps to jumps, and drop what nobody reaches any more."""
    starts = {line.at: line for line in lines}
    for line in lines:
        target = line.target
        while isinstance(target, int) and starts[target].code[0] == _JUMP:
            target = starts[target].target
        line.target = target
    reached = {line.target for line in lines if isinstance(line.target, int)}
    kept, falls = [], True
    for line in lines:
        falls = falls or line.at in reached
        if falls:
            kept.append(line)
        falls = falls and not _ends(line)
    return kept


def _ends(line: _Line) -> bool:
    """Whether nothing goes on behind an instruction: a jump, or one through a register or memory."""
    code = bytes(line.code)
    at = 1 if code[0] & 0xF0 == 0x40 else 0
    return code[0] == _JUMP or code[:2] == b"\x0f\x0b" or (code[at] == 0xFF and code[at + 1] >> 3 & 7 == 4)


def _close(lines: list[_Line]) -> tuple[list[_Line], int]:
    """Lay the lines out; the last jump falls through to the next stencil. Gives them, and how many."""
    if (
        len(lines) > 1
        and lines[-1].code[0] == _JUMP
        and lines[-2].target == "next"
        and _conditional(lines[-2])
    ):
        lines[-2].code[1] ^= 1
        lines[-2].target, lines[-1].target = lines[-1].target, "next"
    count = len(lines)
    if lines[-1].target == "next" and lines[-1].code[0] == _JUMP:
        last = lines.pop()
        for line in lines:
            if line.target == last.at:
                line.target = "next"
        count -= 1
    place = 0
    for line in lines:
        line.place = place
        place += len(line.code)
    places = {line.at: line.place for line in lines}
    for line in lines:
        if line.target is None:
            continue
        end = line.place + len(line.code)
        if isinstance(line.target, str) and line.target != "next":
            line.holes = [Hole(line.at + len(line.code) - 4, line.target, PC_RELATIVE, 0)]
            continue
        distance = (place if line.target == "next" else places[line.target]) - end  # type: ignore[index]
        line.code[-4:] = distance.to_bytes(4, "little", signed=True)
    return lines, count


def _conditional(line: _Line) -> bool:
    return line.code[0] == 0x0F and line.code[1] & 0xF0 == 0x80


__all__ = ["Hole", "Stencil", "UnknownInstruction", "make"]
