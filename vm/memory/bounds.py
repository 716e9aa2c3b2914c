"""How each memory is kept in bounds: decided here, for whoever makes one and whoever compiles for one."""

from __future__ import annotations

from vm.isa.types import PAGE_SIZE, MemoryType, ValType


def guarded(type: MemoryType, mode: str) -> bool:
    """Whether guard pages bound a memory of this type when the knob ``memory_guard`` says ``mode``.

    They can where an address and an offset of 32 bits each name all that an access can reach, and where a
    memory ends with a page of the system; everything else is checked. An import has the type it is declared
    with, so all who share a memory agree.
    """
    return mode == "guard" and type.address is ValType.I32 and 1 << type.page_bits == PAGE_SIZE
