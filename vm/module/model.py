"""A decoded module: what the sections say, with bodies left as byte ranges.

Index spaces follow the specification: imports come first in each of them.
"""

from __future__ import annotations

from vm import digests
from vm.isa.canonical import resolved
from vm.isa.types import (
    DefType,
    ExternType,
    FuncType,
    GlobalType,
    MemoryType,
    RefType,
    TableType,
    TagType,
    ValueType,
)
from vm.records import Record, field
from vm.typed import TYPE_CHECKING, Callable, NamedTuple, Sequence, overload

if TYPE_CHECKING:
    from vm.jit.ahead import Prepared
    from vm.jit.counts import Counts
    from vm.module.kernel.facts import Facts


class Import(Record, frozen=True):
    """One import: two names and the type it must have."""

    module: str
    name: str
    type: ExternType


class Export(Record, frozen=True):
    """One export; ``kind`` is "func", "table", "memory", "global" or "tag"."""

    name: str
    kind: str
    index: int


class ConstExpr(NamedTuple):
    """A constant expression as the byte range of its instructions, ``end`` behind the final ``end``."""

    start: int
    end: int


class GlobalDef(Record, frozen=True):
    """A global defined here, with its initialiser."""

    type: GlobalType
    init: ConstExpr


class ElementSegment(Record, frozen=True):
    """An element segment: ``mode`` is "active", "passive" or "declarative".

    ``items`` holds function indices, or constant expressions; ``table`` and ``offset`` only when active.
    """

    mode: str
    type: RefType
    items: tuple[int | ConstExpr, ...]
    table: int = 0
    offset: ConstExpr | None = None


class DataSegment(NamedTuple):
    """A data segment: bytes ``start:end`` of the binary; ``offset`` is None when it is passive.

    A tuple, for programs written in Go have a hundred thousand of them.
    """

    start: int
    end: int
    memory: int = 0
    offset: ConstExpr | None = None


class Body(Record, frozen=True):
    """A function body: declared locals as (count, type) runs, and the byte range of its instructions."""

    locals: tuple[tuple[int, ValueType], ...]
    start: int
    end: int


class Bodies(Sequence[Body]):
    """A module's function bodies. Their declarations of locals are read when a body is first asked for, by
    ``parse(start, end)``, which may raise ``DecodeError``; ``extents`` says where each begins and ends.
    """

    __slots__ = ("_known", "_parse", "extents")

    def __init__(
        self, extents: Sequence[tuple[int, int]] = (), parse: Callable[[int, int], Body] | None = None
    ) -> None:
        self.extents = extents
        self._parse = parse
        self._known: dict[int, Body] = {}

    def __len__(self) -> int:
        return len(self.extents)

    @overload
    def __getitem__(self, index: int) -> Body: ...
    @overload
    def __getitem__(self, index: slice) -> list[Body]: ...
    def __getitem__(self, index: int | slice) -> Body | list[Body]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        found = self._known.get(index)
        if found is None:
            start, end = self.extents[index]
            assert self._parse is not None  # it comes with the first extent
            found = self._known[index] = self._parse(start, end)
        return found

    @property
    def code_bytes(self) -> int:
        """Bytes of all bodies, declarations of locals included."""
        return sum(end - start for start, end in self.extents)


class Names(Record):
    """The custom "name" section: what a compiler called things. Missing entries are simply absent."""

    module: str | None = None
    functions: dict[int, str] = field(default_factory=dict)


class ModuleData(Record, weakref=True, eq=False):  # compared by identity: tiers keep code by module
    """Everything the binary says.

    ``types`` are the canonical types that its definitions mean, and other types here refer to those;
    only the immediates of instructions have type indices.

    ``table_inits`` says what the elements of the tables defined here are at first, None for null;
    ``functions`` gives the type index of every function in the index space (imported ones first);
    ``bodies`` the bodies of those defined here, so function ``i`` has body ``i - imported_functions``.
    """

    binary: bytes
    types: list[DefType] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    tables: list[TableType] = field(default_factory=list)
    table_inits: list[ConstExpr | None] = field(default_factory=list)
    memories: list[MemoryType] = field(default_factory=list)
    globals: list[GlobalType] = field(default_factory=list)
    tags: list[TagType] = field(default_factory=list)
    global_defs: list[GlobalDef] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    start: int | None = None
    elements: list[ElementSegment] = field(default_factory=list)
    data: list[DataSegment] = field(default_factory=list)
    data_count: int | None = None
    bodies: Bodies = field(default_factory=Bodies)
    name_section: tuple[int, int] | None = None
    custom: list[tuple[str, int, int]] = field(default_factory=list)

    imported_functions: int = 0
    imported_tables: int = 0
    imported_memories: int = 0
    imported_globals: int = 0
    imported_tags: int = 0

    facts: Facts | None = None
    """What the validator's kernel reads of the module; made once, at first need."""

    validated: bool = False
    """Whether every body is known to be valid; otherwise whoever runs one has to check it first."""

    prepared: Prepared | None = None
    """Machine code that came with the module, or was made ahead of time."""

    counts: Counts | None = None
    """What ran how often in it before, for who compiles it."""

    _digest: bytes = b""

    @property
    def digest(self) -> bytes:
        """The digest of the binary; made when somebody first asks."""
        if not self._digest:
            self._digest = digests.digest(self.binary).digest()
        return self._digest

    _names: Names | None = None

    @property
    def names(self) -> Names:
        """What the "name" section says; read when somebody first asks."""
        if self._names is None:
            from vm.module.names import read_names  # it makes a part of this model

            self._names = Names()
            if self.name_section is not None:
                self._names = read_names(self.binary, *self.name_section)
        return self._names

    type_indices: dict[DefType, int] = field(default_factory=dict)
    """Where a type was defined first; ``index_of`` fills it at first need."""

    def index_of(self, definition: DefType) -> int:
        """The lowest index that a type of this module has."""
        if not self.type_indices:
            for index, type in enumerate(self.types):
                self.type_indices.setdefault(type, index)
        return self.type_indices[definition]

    def function_type(self, index: int) -> FuncType:
        """The type of function ``index`` of the index space."""
        return self.types[self.functions[index]].func

    def signature(self, index: int) -> FuncType:
        """Type ``index``, which must be a function type."""
        return self.types[index].func

    def value_type(self, type: ValueType) -> ValueType:
        """A type that an instruction names, whose type index (if it has one) must be known."""
        return resolved(type, self.types)

    def reference_type(self, type: RefType) -> RefType:
        """``value_type`` for references."""
        found = resolved(type, self.types)
        assert isinstance(found, RefType)
        return found
