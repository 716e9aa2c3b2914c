"""WebAssembly's types (spec 2.3), as immutable values that compare and hash by structure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class ValType(enum.Enum):
    """A value type; the enum's value is its byte in the binary format (spec 5.3)."""

    I32 = 0x7F
    I64 = 0x7E
    F32 = 0x7D
    F64 = 0x7C
    V128 = 0x7B
    FUNCREF = 0x70
    EXTERNREF = 0x6F

    @property
    def is_ref(self) -> bool:
        """Whether values of this type are references."""
        return self in (ValType.FUNCREF, ValType.EXTERNREF)

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class FuncType:
    """Parameters and results of a function, block or instruction.

    ``has_vectors``: some of them are v128, which takes two words where values lie in words.
    """

    params: tuple[ValType, ...] = ()
    results: tuple[ValType, ...] = ()
    has_vectors: bool = field(init=False, repr=False, compare=False, default=False)

    def __post_init__(self) -> None:
        if ValType.V128 in self.params or ValType.V128 in self.results:
            object.__setattr__(self, "has_vectors", True)

    def __str__(self) -> str:
        return f"[{' '.join(map(str, self.params))}] -> [{' '.join(map(str, self.results))}]"


@dataclass(frozen=True, slots=True)
class Limits:
    """Size bounds: pages for a memory, elements for a table; ``maximum`` None is unbounded.

    ``address`` is the type of what names a place in between: i32 or i64.
    """

    minimum: int
    maximum: int | None = None
    address: ValType = ValType.I32


@dataclass(frozen=True, slots=True)
class TableType:
    """A table of references."""

    element: ValType
    limits: Limits

    @property
    def address(self) -> ValType:
        """The type of its indices and sizes: i32 or i64."""
        return self.limits.address


@dataclass(frozen=True, slots=True)
class MemoryType:
    """A linear memory, measured in pages of 64 KiB; several threads may use a ``shared`` one at once."""

    limits: Limits
    shared: bool = False

    @property
    def address(self) -> ValType:
        """The type of its addresses and sizes: i32 or i64."""
        return self.limits.address


@dataclass(frozen=True, slots=True)
class GlobalType:
    """A global variable."""

    content: ValType
    mutable: bool


ExternType = FuncType | TableType | MemoryType | GlobalType

PAGE_SIZE = 65_536
"""Bytes in a page of linear memory (spec 4.2.8)."""

MAX_PAGES = {ValType.I32: 2**16, ValType.I64: 2**48}
"""Pages of the largest memory, by the type of its addresses (spec 3.2.15)."""
