"""Rows of the opcode table behind the prefix 0xFE: atomic accesses, wait and notify (threads proposal).

Source: the proposal's "Overview" (WebAssembly/threads), with its names and numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from vm.isa.opcode import Feature, Immediate, Opcode, row

RMW_OPERATIONS = ("add", "sub", "and", "or", "xor", "xchg", "cmpxchg")
"""Read-modify-write operations in the order of their opcodes; each has seven, one for each access below."""

WIDTHS = (("i32", 4), ("i64", 8), ("i32", 1), ("i32", 2), ("i64", 1), ("i64", 2), ("i64", 4))
"""Type and bytes of each access, in the order in which every group lists them."""

_LETTERS = {"i32": "i", "i64": "l"}
_LOADS, _STORES, _RMW = 0x10, 0x17, 0x1E


def _atomic(sub: int, name: str, signature: str, access: int) -> Opcode:
    return row(0xFE00 | sub, name, Immediate.MEMARG, signature, Feature.THREADS, access)


def _bits(type: str, access: int) -> str:
    """The part of a name that says how narrow an access is: "" for a whole value."""
    return "" if int(type[1:]) == 8 * access else str(8 * access)


def _accesses() -> Iterator[Opcode]:
    for i, (type, access) in enumerate(WIDTHS):
        letter, bits = _LETTERS[type], _bits(type, access)
        unsigned = "_u" if bits else ""
        yield _atomic(_LOADS + i, f"{type}.atomic.load{bits}{unsigned}", f"i:{letter}", access)
        yield _atomic(_STORES + i, f"{type}.atomic.store{bits}", f"i{letter}:", access)
        for j, operation in enumerate(RMW_OPERATIONS):
            operands = letter * (2 if operation == "cmpxchg" else 1)
            name = f"{type}.atomic.rmw{bits}.{operation}{unsigned}"
            yield _atomic(_RMW + len(WIDTHS) * j + i, name, f"i{operands}:{letter}", access)


ATOMIC_OPCODES: tuple[Opcode, ...] = (
    _atomic(0x00, "memory.atomic.notify", "ii:i", 4),
    _atomic(0x01, "memory.atomic.wait32", "iil:i", 4),
    _atomic(0x02, "memory.atomic.wait64", "ill:i", 8),
    row(0xFE03, "atomic.fence", Immediate.FENCE, ":", Feature.THREADS),
    *sorted(_accesses(), key=lambda opcode: opcode.code),
)
"""The atomic instructions, in the order of their opcodes."""
