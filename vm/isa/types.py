"""WebAssembly's types (spec 2.3), as immutable values that compare and hash by structure.

The exception is ``DefType``, a type that a module defines: there is one object for each distinct one in the
process (``vm.isa.canonical`` makes them), so those compare by identity, across modules too. Which type
matches which is said in ``vm.isa.matching``.
"""

from __future__ import annotations

from vm.enums import Enum
from vm.records import Record, field
from vm.typed import Literal


class ValType(Enum):
    """A number or vector type; the enum's value is its byte in the binary format (spec 5.3.1)."""

    I32 = 0x7F
    I64 = 0x7E
    F32 = 0x7D
    F64 = 0x7C
    V128 = 0x7B

    @property
    def is_ref(self) -> Literal[False]:
        """Whether values of this type are references."""
        return False

    @property
    def defaultable(self) -> bool:
        """Whether the type has a value that variables start with."""
        return True

    def __str__(self) -> str:
        return self.name.lower()


class Heap(Enum):
    """An abstract heap type; the enum's value is its byte in the binary format (spec 5.3.3).

    ``BOT`` is below all the others. No program can write it: it is what is known of a reference that
    unreachable code made up.
    """

    NOEXN = 0x74
    NOFUNC = 0x73
    NOEXTERN = 0x72
    NONE = 0x71
    FUNC = 0x70
    EXTERN = 0x6F
    ANY = 0x6E
    EQ = 0x6D
    I31 = 0x6C
    STRUCT = 0x6B
    ARRAY = 0x6A
    EXN = 0x69
    BOT = 0

    def __str__(self) -> str:
        return self.name.lower()


class PackedType(Enum):
    """What a field can hold beside values: integers of fewer bits, seen as i32 on the operand stack."""

    I8 = 0x78
    I16 = 0x77

    def __str__(self) -> str:
        return self.name.lower()


class RefType(Record, frozen=True):
    """References to what ``heap`` describes, and to nothing if ``nullable``.

    ``heap`` is an int only where no module is known: the index of a type (``ModuleData.value_type`` resolves
    it), or the place in its own recursion group while a type is being defined.
    """

    heap: Heap | DefType | int
    nullable: bool = True

    @property
    def is_ref(self) -> Literal[True]:
        """Whether values of this type are references."""
        return True

    @property
    def defaultable(self) -> bool:
        """Whether the type has a value that variables start with: null."""
        return self.nullable

    @property
    def non_null(self) -> RefType:
        """The same without null."""
        return RefType(self.heap, False) if self.nullable else self

    @property
    def in_heap(self) -> bool:
        """Whether its values can be objects that the collector manages: all but functions."""
        if isinstance(self.heap, DefType):
            return self.heap.kind is not Heap.FUNC
        return self.heap not in (Heap.FUNC, Heap.NOFUNC)

    def __str__(self) -> str:
        short = _SHORT_NAMES.get(self.heap) if isinstance(self.heap, Heap) else None
        if self.nullable and short is not None:
            return short
        return f"(ref {'null ' if self.nullable else ''}{self.heap})"


ValueType = ValType | RefType
"""Whatever a local, parameter or operand can be."""

StorageType = ValType | RefType | PackedType
"""Whatever a field can hold."""

_SHORT_NAMES = {
    Heap.NONE: "nullref",
    Heap.NOFUNC: "nullfuncref",
    Heap.NOEXTERN: "nullexternref",
    Heap.NOEXN: "nullexnref",
    **{
        heap: f"{heap}ref"
        for heap in (Heap.ANY, Heap.EQ, Heap.I31, Heap.STRUCT, Heap.ARRAY, Heap.FUNC, Heap.EXTERN, Heap.EXN)
    },
}

ANYREF = RefType(Heap.ANY)
EQREF = RefType(Heap.EQ)
I31REF = RefType(Heap.I31)
STRUCTREF = RefType(Heap.STRUCT)
ARRAYREF = RefType(Heap.ARRAY)
NULLREF = RefType(Heap.NONE)
FUNCREF = RefType(Heap.FUNC)
NULLFUNCREF = RefType(Heap.NOFUNC)
EXTERNREF = RefType(Heap.EXTERN)
NULLEXTERNREF = RefType(Heap.NOEXTERN)
EXNREF = RefType(Heap.EXN)
NULLEXNREF = RefType(Heap.NOEXN)

SHORT_REFS: dict[int, RefType] = {
    reference.heap.value: reference
    for reference in (
        *(ANYREF, EQREF, I31REF, STRUCTREF, ARRAYREF, NULLREF),
        *(FUNCREF, NULLFUNCREF, EXTERNREF, NULLEXTERNREF, EXNREF, NULLEXNREF),
    )
    if isinstance(reference.heap, Heap)
}
"""The nullable references to abstract heap types by their byte, which is the heap type's own."""


class FuncType(Record, frozen=True):
    """Parameters and results of a function, block or instruction.

    ``has_vectors``: some of them are v128, which takes two words where values lie in words.
    """

    params: tuple[ValueType, ...] = ()
    results: tuple[ValueType, ...] = ()
    has_vectors: bool = field(init=False, repr=False, compare=False, default=False)

    def __post_init__(self) -> None:
        if ValType.V128 in self.params or ValType.V128 in self.results:
            object.__setattr__(self, "has_vectors", True)

    def __str__(self) -> str:
        return f"[{' '.join(map(str, self.params))}] -> [{' '.join(map(str, self.results))}]"


class FieldType(Record, frozen=True):
    """A field of a structure, or the elements of an array."""

    storage: StorageType
    mutable: bool = False

    @property
    def unpacked(self) -> ValueType:
        """The type that its content has on the operand stack."""
        return ValType.I32 if isinstance(self.storage, PackedType) else self.storage

    def __str__(self) -> str:
        return f"(mut {self.storage})" if self.mutable else str(self.storage)


class StructType(Record, frozen=True):
    """A structure: fields of fixed places."""

    fields: tuple[FieldType, ...] = ()

    def __str__(self) -> str:
        return f"struct{''.join(f' {member}' for member in self.fields)}"


class ArrayType(Record, frozen=True):
    """An array: a number of elements alike that is fixed when it is made."""

    element: FieldType

    def __str__(self) -> str:
        return f"array {self.element}"


CompositeType = FuncType | StructType | ArrayType


class SubType(Record, frozen=True):
    """A type as its definition gives it: ``supertypes`` are heap types, of which there is one at most.

    References to its own recursion group are ints: places in the group.
    """

    composite: CompositeType
    supertypes: tuple[DefType | int, ...] = ()
    final: bool = True


class DefType:
    """A defined type, in its one canonical form: two definitions that are equivalent give the same object.

    ``kind`` is the abstract heap type above it: FUNC, STRUCT or ARRAY.
    ``id`` is its number, different from that of any other type of the process; ``composite`` what it is,
    in which all references are to heap types or to ``DefType`` (its own group included); ``group`` and
    ``index`` say where it was defined. ``display`` are its supertypes from the outermost to itself, so that
    ``b`` is a supertype of ``a`` exactly if ``a.display[b.depth] is b`` (where there is such a place).
    """

    __slots__ = ("__weakref__", "composite", "display", "final", "group", "id", "index", "kind")

    id: int
    group: RecGroup
    index: int
    final: bool
    kind: Heap
    display: tuple[DefType, ...]
    composite: CompositeType

    @property
    def depth(self) -> int:
        """How many supertypes it has."""
        return len(self.display) - 1

    @property
    def supertype(self) -> DefType | None:
        """The type it declares itself to be a subtype of."""
        return self.display[-2] if len(self.display) > 1 else None

    @property
    def func(self) -> FuncType:
        """The signature of a function type, which this must be."""
        assert isinstance(self.composite, FuncType)
        return self.composite

    def extends(self, other: DefType) -> bool:
        """Whether it is ``other`` or a declared subtype of it: in constant time."""
        display, depth = self.display, len(other.display)
        return len(display) >= depth and display[depth - 1] is other

    def __str__(self) -> str:
        return f"({_outline(self.composite)})"

    def __repr__(self) -> str:
        return f"<DefType {self.id} {self}>"


class RecGroup:
    """A recursion group in its one canonical form: types that may refer to each other."""

    __slots__ = ("__weakref__", "members")

    members: tuple[DefType, ...]


def _outline(composite: CompositeType) -> str:
    """A type without what it refers to: for people, and finite."""
    if isinstance(composite, FuncType):
        params, results = (" ".join(map(_shallow, side)) for side in (composite.params, composite.results))
        return f"func [{params}] -> [{results}]"
    fields = (composite.element,) if isinstance(composite, ArrayType) else composite.fields
    listed = (f"(mut {_shallow(f.storage)})" if f.mutable else _shallow(f.storage) for f in fields)
    return " ".join(("array" if isinstance(composite, ArrayType) else "struct", *listed))


def _shallow(type: StorageType) -> str:
    if isinstance(type, RefType) and isinstance(type.heap, DefType):
        return "(ref null ...)" if type.nullable else "(ref ...)"
    return str(type)


class Limits(Record, frozen=True):
    """Size bounds: pages for a memory, elements for a table; ``maximum`` None is unbounded.

    ``address`` is the type of what names a place in between: i32 or i64.
    """

    minimum: int
    maximum: int | None = None
    address: ValType = ValType.I32


class TableType(Record, frozen=True):
    """A table of references."""

    element: RefType
    limits: Limits

    @property
    def address(self) -> ValType:
        """The type of its indices and sizes: i32 or i64."""
        return self.limits.address


class MemoryType(Record, frozen=True):
    """A linear memory, measured in pages; several threads may use a ``shared`` one at once.

    ``page_bits`` is the binary logarithm of its pages' size: 16, or 0 for pages of one byte.
    """

    limits: Limits
    shared: bool = False
    page_bits: int = 16

    @property
    def address(self) -> ValType:
        """The type of its addresses and sizes: i32 or i64."""
        return self.limits.address

    @property
    def most_pages(self) -> int:
        """The size of the largest memory with such addresses and pages, which itself must be an address
        where pages are bytes (spec 3.2.15, custom-page-sizes proposal).
        """
        bits = (32 if self.address is ValType.I32 else 64) - self.page_bits
        return (1 << bits) - (self.page_bits == 0)


class GlobalType(Record, frozen=True):
    """A global variable."""

    content: ValueType
    mutable: bool


class TagType(Record, frozen=True):
    """A tag: what an exception is. The parameters of ``definition``, a function type, are its payload."""

    definition: DefType


ExternType = DefType | TableType | MemoryType | GlobalType | TagType
"""What an import asks for; a ``DefType`` stands for a function of that type."""

PAGE_BITS = (0, 16)
"""Binary logarithms of the sizes that a memory's pages can have (custom-page-sizes proposal)."""

PAGE_SIZE = 65_536
"""Bytes in a page of linear memory (spec 4.2.8), unless its type says otherwise."""
