"""Compiled code that is not in place yet: object files, and what is in them. Bytes and back.

magic; number of parts, number of moves (32 bits each), seconds (a double)
for each part: bytes of its object file, functions, visible ones, types (numbers of them, 32 bits each)
all those functions, visible ones and types, part by part (32 bits each)
the moves: function, count (32 bits each)
the object files
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping

from vm.errors import VMError
from vm.records import Record, field

_MAGIC = b"wasmvm code 2\n"
_HEAD = struct.Struct("<IId")
_PART = struct.Struct("<IIII")


class Part(Record, frozen=True):
    """One object file: the functions in it, those of them that anybody may enter, the types it names."""

    binary: bytes
    functions: tuple[int, ...]
    visible: tuple[int, ...]
    types: tuple[int, ...] = ()


class Artefact(Record, frozen=True):
    """What a request gives. ``moves`` is what each function moves, ``seconds`` the processor time spent."""

    parts: tuple[Part, ...]
    moves: Mapping[int, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def functions(self) -> tuple[int, ...]:
        """All functions in it."""
        return tuple(index for part in self.parts for index in part.functions)

    @property
    def visible(self) -> tuple[int, ...]:
        """All functions in it that anybody may enter."""
        return tuple(index for part in self.parts for index in part.visible)

    def to_bytes(self) -> bytes:
        """As bytes; the same for the same code, but for the time it took."""
        head, numbers = bytearray(), array("I")
        for part in self.parts:
            lists = part.functions, part.visible, part.types
            head += _PART.pack(len(part.binary), *map(len, lists))
            for indices in lists:
                numbers.extend(indices)
        for move in self.moves.items():
            numbers.extend(move)
        start = _MAGIC + _HEAD.pack(len(self.parts), len(self.moves), self.seconds)
        return b"".join([start, head, numbers.tobytes(), *(part.binary for part in self.parts)])

    @classmethod
    def from_bytes(cls, content: bytes) -> Artefact:
        """What ``to_bytes`` gave; VMError for anything else."""
        try:
            return _read(content)
        except (ValueError, struct.error) as error:
            raise VMError(f"not compiled code: {error}; compile the module again") from None


def _read(content: bytes) -> Artefact:
    if not content.startswith(_MAGIC):
        raise ValueError("it begins differently")
    at = len(_MAGIC)
    part_count, move_count, seconds = _HEAD.unpack_from(content, at)
    at += _HEAD.size
    heads = list(_PART.iter_unpack(content[at : at + _PART.size * part_count]))
    if len(heads) != part_count:
        raise ValueError("it ends early")
    at += _PART.size * part_count
    total = sum(sum(counts) for _, *counts in heads) + 2 * move_count
    numbers = array("I", content[at : at + 4 * total]).tolist()
    if len(numbers) != total:
        raise ValueError("it ends early")
    at += 4 * total
    parts, used = [], 0
    for size, *counts in heads:
        lists = []
        for count in counts:
            lists.append(tuple(numbers[used : used + count]))
            used += count
        binary = content[at : at + size]
        if len(binary) != size:
            raise ValueError("its object files end early")
        parts.append(Part(binary, *lists))
        at += size
    if at != len(content):
        raise ValueError("there is more than its object files")
    moves = dict(zip(numbers[used::2], numbers[used + 1 :: 2], strict=True))
    return Artefact(tuple(parts), moves, seconds)
