"""Table, Global and Tag, which cross the border of an instance; and all that does."""

from __future__ import annotations

from vm.api.caller import Storelike, inside, runtime_of
from vm.api.checks import check
from vm.api.func import Func, converter
from vm.api.memory import Memory
from vm.api.shared import SharedMemory
from vm.api.types import GlobalType, TableType, TagType, wrap_type
from vm.errors import VMError
from vm.memory.linear import LinearMemory
from vm.runtime import globals as runtime_globals
from vm.runtime import tables as runtime_tables
from vm.runtime import tags as runtime_tags
from vm.typed import Any


class Table:
    """A table of references."""

    def __init__(self, store: Storelike, ty: TableType, init: Any) -> None:
        runtime = runtime_of(store)
        type = check(ty, TableType, "ty").raw
        self.raw = runtime.table(type, converter(runtime).to_bits(type.element, init, "init"))

    @classmethod
    def of(cls, raw: runtime_tables.Table) -> Table:
        """The wrapper of a runtime table."""
        self = cls.__new__(cls)
        self.raw = raw
        return self

    def type(self, store: Storelike) -> TableType:
        """Element type and limits as declared."""
        inside(store, self.raw)
        found: TableType = wrap_type(self.raw.type)
        return found

    def size(self, store: Storelike) -> int:
        """Number of elements."""
        inside(store, self.raw)
        return self.raw.size

    def grow(self, store: Storelike, amt: int, init: Any) -> int:
        """Add ``amt`` elements ``init``; returns the size before, VMError when there is no room."""
        bits = converter(inside(store, self.raw)).to_bits(self.raw.type.element, init, "init")
        if amt < 0:
            raise VMError("cannot grow by negative amount")
        before = self.raw.grow(amt, bits)
        if before < 0:
            raise VMError(f"failed to grow table by {amt}")
        return before

    def get(self, store: Storelike, idx: int) -> Any:
        """Element ``idx``; None for null, and for an index behind the end (as in wasmtime-py)."""
        if not 0 <= idx < self.size(store):
            return None
        return converter(inside(store, self.raw)).from_bits(self.raw.type.element, self.raw.get(idx))

    def set(self, store: Storelike, idx: int, val: Any) -> None:
        """Replace element ``idx``; VMError when there is none."""
        bits = converter(inside(store, self.raw)).to_bits(self.raw.type.element, val, "val")
        if not 0 <= idx < self.raw.size:
            raise VMError(f"no element {idx} in a table of {self.raw.size}")
        self.raw.set(idx, bits)


class Global:
    """A global variable."""

    def __init__(self, store: Storelike, ty: GlobalType, val: Any) -> None:
        runtime = runtime_of(store)
        type = check(ty, GlobalType, "ty").raw
        self.raw = runtime.global_(type, converter(runtime).to_bits(type.content, val, "val"))

    @classmethod
    def of(cls, raw: runtime_globals.Global) -> Global:
        """The wrapper of a runtime global."""
        self = cls.__new__(cls)
        self.raw = raw
        return self

    def type(self, store: Storelike) -> GlobalType:
        """Content and mutability."""
        inside(store, self.raw)
        found: GlobalType = wrap_type(self.raw.type)
        return found

    def value(self, store: Storelike) -> Any:
        """The value now."""
        return converter(inside(store, self.raw)).from_bits(self.raw.type.content, self.raw.value)

    def set_value(self, store: Storelike, val: Any) -> None:
        """Set it; VMError when it is constant."""
        bits = converter(inside(store, self.raw)).to_bits(self.raw.type.content, val, "val")
        if not self.raw.type.mutable:
            raise VMError("immutable global cannot be set")
        self.raw.value = bits


class Tag:
    """A tag: what an exception is, and the types of the values that it brings along."""

    def __init__(self, store: Storelike, ty: TagType) -> None:
        self.raw = runtime_of(store).tag(check(ty, TagType, "ty").raw)

    @classmethod
    def of(cls, raw: runtime_tags.Tag) -> Tag:
        """The wrapper of a runtime tag."""
        self = cls.__new__(cls)
        self.raw = raw
        return self

    def type(self, store: Storelike) -> TagType:
        """Its type."""
        inside(store, self.raw)
        found: TagType = wrap_type(self.raw.type)
        return found

    def eq(self, store: Storelike, other: Tag) -> bool:
        """Whether both are the same tag, as ``==`` says, too."""
        inside(store, self.raw)
        return self == other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tag) and other.raw is self.raw

    def __hash__(self) -> int:
        return hash(self.raw.record)


AnyExtern = Func | Table | Memory | SharedMemory | Global | Tag

EXTERNS = (Func, Table, Memory, SharedMemory, Global, Tag)
"""The same, for ``isinstance``."""


def wrap(raw: runtime_tables.Table | LinearMemory | runtime_globals.Global | runtime_tags.Tag) -> AnyExtern:
    """The API's object for a runtime one that is no function."""
    match raw:
        case runtime_tables.Table():
            return Table.of(raw)
        case LinearMemory():
            return SharedMemory.of(raw) if raw.type.shared else Memory.of(raw)
        case runtime_tags.Tag():
            return Tag.of(raw)
        case _:
            return Global.of(raw)
