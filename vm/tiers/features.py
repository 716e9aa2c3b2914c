"""What a body looks like from afar: how many instructions of each family there are, counted in microseconds.

Bytes are counted, not instructions: an immediate counts as the instruction that its value is the opcode of.
That is as wrong in every function, so a model that has learnt from such numbers minds little, and reading a
body instruction by instruction takes a hundred times as long.
"""

from __future__ import annotations

from vm.module.model import ModuleData

FAMILIES: dict[str, tuple[int, ...]] = {
    "loops": (0x03,),
    "branches": (0x04, 0x0C, 0x0D),
    "switches": (0x0E,),
    "calls": (0x10, 0x12),
    "indirect": (0x11, 0x13, 0x14, 0x15),
    "loads": tuple(range(0x28, 0x36)),
    "stores": tuple(range(0x36, 0x3F)),
    "integers": (*range(0x45, 0x5B), *range(0x67, 0x6D), *range(0x71, 0x7F), *range(0x83, 0x8B)),
    "divisions": (*range(0x6D, 0x71), *range(0x7F, 0x83)),
    "floats": (*range(0x5B, 0x67), *range(0x8B, 0xC0)),
    "prefixed": (0xFB, 0xFC, 0xFD, 0xFE),
}
"""Opcodes by family; what is in none, such as locals and constants, counts in ``bytes`` alone."""

NAMES = ("bytes", *FAMILIES)
"""The features, in order."""

_OTHERS = {
    name: bytes(code for code in range(256) if code not in family) for name, family in FAMILIES.items()
}
"""For ``bytes.translate``: all bytes that a family has not."""


def features(body: bytes) -> tuple[int, ...]:
    """The numbers of a body, in the order of ``NAMES``."""
    return len(body), *(len(body.translate(None, others)) for others in _OTHERS.values())


def of_function(module: ModuleData, index: int) -> tuple[int, ...]:
    """The numbers of a defined function's body."""
    start, end = module.bodies.extents[index - module.imported_functions]
    return features(module.binary[start:end])
