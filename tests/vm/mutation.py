"""Ways to damage a WebAssembly module: byte by byte, and along its structure, so that much of it stays valid.

``mutate(module, rng)`` picks one way. Each takes the module apart no further than it needs, and puts lengths
right again, so that the damage is where it was aimed at.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from vm.errors import DecodeError
from vm.isa.opcodes import BY_CODE
from vm.module.instructions import read
from vm.module.leb import encode_unsigned, unsigned

HEADER = b"\0asm\1\0\0\0"
CODE = 10

VALUE_TYPES = bytes(
    (0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x70, 0x6F, 0x6E, 0x6D, 0x6C, 0x6B, 0x6A, 0x69, 0x71, 0x72)
)
"""Bytes that stand for a type by themselves."""

INTERESTING = (
    b"\x41\x00", b"\x41\x7f", b"\x41\x80\x80\x80\x80\x78", b"\x41\xff\xff\xff\xff\x07", b"\x41\xff\xff\x03",
    b"\x42\x00", b"\x42\x7f", b"\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f",
    b"\x43\x00\x00\xc0\x7f", b"\x43\x00\x00\x80\xff", b"\x43\x01\x00\xa0\x7f", b"\x43\x00\x00\x00\x80",
    b"\x44\x00\x00\x00\x00\x00\x00\xf8\x7f", b"\x44\x00\x00\x00\x00\x00\x00\xf0\xff",
    b"\x44\x00\x00\x00\x00\x00\x00\xe0\x43", b"\x44\x00\x00\x00\x00\x00\x00\x00\x80",
    b"\x0f", b"\x00", b"\x1a", b"\x1b", b"\x01", b"\x0c\x00", b"\x0d\x00", b"\x0c\x01", b"\x40\x00",
    b"\x3f\x00",    b"\x20\x00", b"\x21\x00", b"\x22\x00", b"\x20\x01", b"\x10\x00", b"\xd0\x70", b"\xd1",
)  # fmt: skip
"""Instructions worth having anywhere: edges of ranges, NaNs, leaving, dropping, growing, calling oneself."""


@dataclass
class Section:
    """A section's id and content."""

    number: int
    content: bytes


def _sections(module: bytes) -> list[Section]:
    found, at = [], len(HEADER)
    while at < len(module):
        size, start = unsigned(module, at + 1, 32)
        found.append(Section(module[at], module[start : start + size]))
        at = start + size
    return found


def _joined(sections: list[Section]) -> bytes:
    return HEADER + b"".join(
        bytes([s.number]) + encode_unsigned(len(s.content)) + s.content for s in sections
    )


def _bodies(content: bytes) -> list[bytes]:
    count, at = unsigned(content, 0, 32)
    found = []
    for _ in range(count):
        size, at = unsigned(content, at, 32)
        found.append(content[at : at + size])
        at += size
    return found


def _instructions(body: bytes) -> tuple[bytes, list[bytes]]:
    """The locals as they are, and the instructions one by one."""
    runs, at = unsigned(body, 0, 32)
    for _ in range(runs):
        _, at = unsigned(body, at, 32)
        at += 1
        while body[at - 1] in (0x63, 0x64):  # a reference type: the heap type follows
            _, at = unsigned(body, at, 64)
    head, found = body[:at], []
    while at < len(body):
        _, _, following = read(body, at)
        found.append(body[at:following])
        at = following
    return head, found


# One way each: bytes in, bytes out.


def flip(module: bytes, rng: random.Random) -> bytes:
    """One to four bytes changed, put in or taken out, behind the header."""
    data = bytearray(module)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(8, len(data))
        match rng.randrange(4):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at] = rng.randrange(256)
            case 2:
                data[at] = data[rng.randrange(8, len(data))]
            case 3:
                data[at : at + rng.randrange(2)] = rng.randbytes(rng.randrange(2))
    return bytes(data)


def sections(module: bytes, rng: random.Random) -> bytes:
    """A section repeated, dropped, moved, cut short, or changed inside with its length put right."""
    parts = _sections(module)
    at = rng.randrange(len(parts))
    part = parts[at]
    match rng.randrange(6):
        case 0:
            parts.insert(rng.randrange(len(parts) + 1), part)
        case 1:
            del parts[at]
        case 2:
            parts.insert(rng.randrange(len(parts)), parts.pop(at))
        case 3:
            part.content = part.content[: rng.randrange(len(part.content) + 1)]
        case 4 if part.content:  # one item more or less than there are
            count, start = unsigned(part.content, 0, 32)
            part.content = (
                encode_unsigned(max(0, count + rng.choice((-1, 1, 1 << 28)))) + part.content[start:]
            )
        case _ if part.content:
            where = rng.randrange(len(part.content))
            byte = bytes([rng.randrange(256)])
            part.content = part.content[:where] + byte + part.content[where + rng.randrange(2) :]
    return _joined(parts)


def types(module: bytes, rng: random.Random) -> bytes:
    """Value types exchanged for others, outside of code."""
    parts = _sections(module)
    places = [
        (part, at)
        for part in parts
        if part.number in (1, 2, 4, 6, 9, 13)
        for at, byte in enumerate(part.content)
        if byte in VALUE_TYPES
    ]
    for part, at in rng.sample(places, min(len(places), rng.randrange(1, 3))):
        content = bytearray(part.content)
        content[at] = rng.choice(VALUE_TYPES)
        part.content = bytes(content)
    return _joined(parts)


def _alike() -> dict[int, list[int]]:
    """Opcodes of one byte that take and give the same types, and have the same kind of immediate."""
    groups: dict[object, list[int]] = defaultdict(list)
    for code, opcode in BY_CODE.items():
        if code < 0xFC and opcode.type is not None:
            groups[opcode.type, opcode.immediate, opcode.access].append(code)
    return {code: group for group in groups.values() for code in group}


ALIKE = _alike()


def _edit(code: list[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(code))
    match rng.randrange(8):
        case 0:
            del code[at]
        case 1:
            code.insert(at, code[rng.randrange(len(code))])
        case 2:
            other = rng.randrange(len(code))
            code[at], code[other] = code[other], code[at]
        case 3:
            code.insert(at, rng.choice(INTERESTING))
        case 4:
            code[at] = rng.choice(INTERESTING)
        case 5:  # from a constant to another of its type
            same = [other for other in INTERESTING if other[0] == code[at][0]]
            code[at] = rng.choice(same or [code[at]])
        case 6:  # an index or an offset, one more or less
            if len(code[at]) > 1:
                code[at] = code[at][:-1] + bytes([code[at][-1] ^ rng.choice((1, 2, 3, 0x40))])
        case _:
            stretch = code[at : at + rng.randrange(1, 6)]
            code[at:at] = stretch


def instructions(module: bytes, rng: random.Random) -> bytes:
    """Whole instructions of a function dropped, repeated, swapped, put in; then the lengths are put right."""

    def change(code: list[bytes]) -> None:
        for _ in range(rng.choice((1, 1, 2, 3))):
            if code:
                _edit(code, rng)

    return _in_code(module, rng, change)


def meanings(module: bytes, rng: random.Random) -> bytes:
    """Instructions exchanged for others of their type: what comes out is valid, and does something else."""

    def change(code: list[bytes]) -> None:
        places = [at for at, piece in enumerate(code) if len(ALIKE.get(piece[0], ())) > 1]
        for at in rng.sample(places, min(len(places), rng.randrange(1, 5))):
            code[at] = bytes([rng.choice(ALIKE[code[at][0]])]) + code[at][1:]

    return _in_code(module, rng, change)


def _in_code(module: bytes, rng: random.Random, change: Callable[[list[bytes]], None]) -> bytes:
    parts = _sections(module)
    part = next((part for part in parts if part.number == CODE), None)
    bodies = _bodies(part.content) if part else []
    if part is None or not bodies:
        return flip(module, rng)
    at = rng.randrange(len(bodies))
    head, code = _instructions(bodies[at])
    change(code)
    bodies[at] = head + b"".join(code)
    part.content = encode_unsigned(len(bodies)) + b"".join(
        encode_unsigned(len(body)) + body for body in bodies
    )
    return _joined(parts)


WAYS = (flip, flip, sections, types, instructions, instructions, meanings)
"""All ways, some of them twice as likely."""


def mutate(module: bytes, rng: random.Random) -> bytes:
    """``module``, damaged in one way; where its structure is out of reach for that, byte by byte."""
    way = rng.choice(WAYS)
    try:
        return way(module, rng)
    except (DecodeError, IndexError):
        return flip(module, rng)
