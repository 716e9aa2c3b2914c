"""Compiled code that is not in place yet: object files, and what is in them. Bytes and back.

magic, length of the head (32 bits), head (JSON), object files one behind the other
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vm.errors import VMError

_MAGIC = b"wasmvm code 1\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One object file: the functions in it, those of them that anybody may enter, the types it names."""

    binary: bytes
    functions: tuple[int, ...]
    visible: tuple[int, ...]
    types: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Artefact:
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
        parts = [[len(part.binary), part.functions, part.visible, part.types] for part in self.parts]
        head = {"parts": parts, "moves": list(self.moves.items()), "seconds": round(self.seconds, 6)}
        text = json.dumps(head, separators=(",", ":")).encode()
        return b"".join(
            [_MAGIC, len(text).to_bytes(4, "little"), text, *(part.binary for part in self.parts)]
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Artefact:
        """What ``to_bytes`` gave; VMError for anything else."""
        try:
            return _read(content)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise VMError(f"not compiled code: {error}; compile the module again") from None


def _read(content: bytes) -> Artefact:
    start = len(_MAGIC) + 4
    if not content.startswith(_MAGIC):
        raise ValueError("it begins differently")
    at = start + int.from_bytes(content[len(_MAGIC) : start], "little")
    head = json.loads(content[start:at])
    parts = []
    for size, functions, visible, types in head["parts"]:
        if not isinstance(size, int) or not 0 < size <= len(content) - at:
            raise ValueError("its object files end early")
        parts.append(Part(content[at : at + size], _indices(functions), _indices(visible), _indices(types)))
        at += size
    if at != len(content):
        raise ValueError("there is more than its object files")
    moves = {int(index): int(count) for index, count in head["moves"]}
    return Artefact(tuple(parts), moves, float(head["seconds"]))


def _indices(numbers: Any) -> tuple[int, ...]:
    if not all(isinstance(number, int) and 0 <= number < 1 << 32 for number in numbers):
        raise ValueError("an index is none")
    return tuple(numbers)
