"""Objects that are linked but for their place (``vm.native.elf`` makes them): put where they are to run."""

from __future__ import annotations

import struct

from vm.errors import VMError
from vm.records import Record
from vm.typed import Any, Callable, Mapping

_STUB = b"\xff\x25\x00\x00\x00\x00"  # jmp [rip + 0], followed by the address


class Linked(Record, frozen=True):
    """An object with all done that does not depend on its place, or on what it is linked against.

    ``symbols`` are its functions, by offset. To be put in: addresses of ``stubs`` (by name, where jumps
    to them lie); the place itself, in words at ``absolute``; ``numbers`` (offset, symbol, addend).
    """

    code: bytes
    symbols: dict[str, int]
    stubs: dict[str, int]
    absolute: list[int]
    numbers: list[tuple[int, str, int]]

    def to_data(self) -> tuple[Any, ...]:
        """As data that ``marshal`` knows; ``Linked(*data)`` is this again."""
        return self.code, self.symbols, self.stubs, self.absolute, self.numbers


class Loaded(Record, frozen=True):
    """An object made ready for a place: its bytes, and the addresses of its functions."""

    code: bytes
    symbols: dict[str, int]


def finish(
    linked: Linked, place: Callable[[int], int], externals: Mapping[str, int], find: Callable[[str], int]
) -> Loaded:
    """Do the rest. Arguments and errors are those of ``vm.native.elf.load``."""
    base, code = place(len(linked.code)), bytearray(linked.code)
    try:
        for name, at in linked.stubs.items():
            address = externals[name] if name in externals else find(name)
            code[at : at + 14] = _STUB + address.to_bytes(8, "little")
        for at in linked.absolute:
            struct.pack_into("<Q", code, at, base + int.from_bytes(code[at : at + 8], "little", signed=True))
        for at, name, addend in linked.numbers:
            struct.pack_into("<i", code, at, externals[name] + addend)
    except (KeyError, OverflowError, struct.error) as error:
        raise refusal(error) from None
    return Loaded(bytes(code), {name: base + offset for name, offset in linked.symbols.items()})


def refusal(error: Exception) -> VMError:
    """What is told of an object that ``error`` says is damaged."""
    return VMError(f"not an object file: {error or type(error).__name__}; compile the module again")
