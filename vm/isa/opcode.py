"""What a row of the opcode table says; the rows stand in ``opcodes`` and ``vector_opcodes``."""

from __future__ import annotations

from vm.enums import Enum, StrEnum
from vm.isa.types import FuncType, ValType
from vm.records import Record


class Immediate(Enum):
    """What follows an opcode in the binary, and hence the tuple ``vm.module.instructions.read`` gives."""

    NONE = "none"  # ()
    BLOCK = "block"  # (block type,): None, a ValueType, or a type index
    LABEL = "label"  # (depth,)
    LABEL_TABLE = "label_table"  # ((depth, ...), default depth)
    FUNC = "func"  # (function index,)
    TYPE = "type"  # (type index,)
    TYPE_FIELD = "type_field"  # (type index, field)
    TYPE_COUNT = "type_count"  # (type index, number of elements)
    TYPE_DATA = "type_data"  # (type index, data segment index)
    TYPE_ELEM = "type_elem"  # (type index, element segment index)
    TYPE_TYPE = "type_type"  # (destination type index, source type index)
    CAST = "cast"  # (depth, RefType that is known, RefType cast to)
    CALL_INDIRECT = "call_indirect"  # (type index, table index)
    LOCAL = "local"  # (local index,)
    GLOBAL = "global"  # (global index,)
    TABLE = "table"  # (table index,)
    TABLE_TABLE = "table_table"  # (destination table, source table)
    ELEM = "elem"  # (segment index,)
    ELEM_TABLE = "elem_table"  # (segment index, table index)
    DATA = "data"  # (segment index,)
    DATA_MEMORY = "data_memory"  # (segment index, memory index)
    MEMARG = "memarg"  # (log2 of alignment, offset, memory index)
    MEMORY = "memory"  # (memory index,)
    MEMORY_MEMORY = "memory_memory"  # (destination memory, source memory)
    I32 = "i32"  # (value,), signed
    I64 = "i64"  # (value,), signed
    F32 = "f32"  # (bit pattern,), unsigned
    F64 = "f64"  # (bit pattern,), unsigned
    V128 = "v128"  # (bit pattern,), unsigned, lane 0 in the lowest bits
    LANE = "lane"  # (lane,)
    SHUFFLE = "shuffle"  # (lane, ...), 16 of them
    MEMARG_LANE = "memarg_lane"  # (log2 of alignment, offset, memory index, lane)
    REF_TYPE = "ref_type"  # (RefType,), nullable
    NON_NULL_TYPE = "non_null_type"  # (RefType,), not nullable
    SELECT_TYPES = "select_types"  # ((ValueType, ...),)
    TAG = "tag"  # (tag index,)
    TRY_TABLE = "try_table"  # (block type, (CatchClause, ...))
    FENCE = "fence"  # (), but a zero byte in the binary


class Feature(StrEnum):
    """The addition to WebAssembly 1.0 that brought an instruction."""

    MVP = "mvp"
    SIGN_EXTENSION = "sign-extension"
    SATURATION = "saturating-float-to-int"
    BULK_MEMORY = "bulk-memory"
    REFERENCES = "reference-types"
    FUNCTION_REFERENCES = "function-references"
    GC = "gc"
    SIMD = "simd"
    RELAXED_SIMD = "relaxed-simd"
    THREADS = "threads"
    EXCEPTIONS = "exception-handling"
    LEGACY_EXCEPTIONS = "legacy-exceptions"
    TAIL_CALLS = "tail-calls"
    WIDE_ARITHMETIC = "wide-arithmetic"


class CatchClause(Record, frozen=True):
    """One clause of a ``try_table``: ``tag`` None catches everything.

    The exception's values, and a reference to it if ``with_ref``, go to label ``depth``, counted outside.
    """

    tag: int | None
    with_ref: bool
    depth: int


class Opcode(Record, frozen=True):
    """One row. ``code`` is the opcode byte, or prefix and sub-opcode in a row of hex digits: 0xFC0A, 0xFD105.

    ``type`` is None where the operands depend on context (control, variables, tables, references,
    parametric instructions): the validator holds those rules. ``access`` is the width in bytes of a
    load or store, 0 for everything else; its address stands as i32 in ``type``, and is i64 where the
    memory has 64-bit addresses (``at``).
    """

    code: int
    name: str
    immediate: Immediate
    type: FuncType | None
    feature: Feature
    access: int = 0

    def __str__(self) -> str:
        return self.name

    @property
    def prefix(self) -> int | None:
        """The byte that opens a two-part opcode; None for an opcode of one byte."""
        if self.code <= 0xFF:
            return None
        return self.code >> (8 if self.code <= 0xFFFF else 12)

    @property
    def sub(self) -> int:
        """What follows the prefix, as an unsigned LEB128; the code itself when there is no prefix."""
        if self.code <= 0xFF:
            return self.code
        return self.code & (0xFF if self.code <= 0xFFFF else 0xFFF)

    def at(self, address: ValType) -> FuncType:
        """The type of a load or store in a memory with this type of addresses."""
        assert self.type is not None
        return FuncType((address, *self.type.params[1:]), self.type.results)

    @property
    def lanes(self) -> int:
        """How many lanes an immediate lane index chooses from; 0 when the instruction has none."""
        match self.immediate:
            case Immediate.SHUFFLE:
                return 32  # both operands' bytes
            case Immediate.LANE:
                return int(self.name.partition(".")[0].partition("x")[2])
            case Immediate.MEMARG_LANE:
                return 16 // self.access
            case _:
                return 0

    @property
    def is_atomic(self) -> bool:
        """Whether it accesses memory atomically, which needs an aligned address."""
        return self.access > 0 and self.feature is Feature.THREADS

    @property
    def is_load(self) -> bool:
        """Whether it reads linear memory at an address from the stack, and is not atomic."""
        return self.access > 0 and not self.is_atomic and self.type is not None and bool(self.type.results)

    @property
    def is_store(self) -> bool:
        """Whether it writes linear memory at an address from the stack, and is not atomic."""
        return self.access > 0 and not self.is_atomic and not self.is_load


_LETTERS = {
    "i": ValType.I32,
    "l": ValType.I64,
    "f": ValType.F32,
    "d": ValType.F64,
    "v": ValType.V128,
}


def row(
    code: int,
    name: str,
    immediate: Immediate,
    signature: str | None,
    feature: Feature = Feature.MVP,
    access: int = 0,
) -> Opcode:
    """A row; ``signature`` is "params:results" in the letters above, None where context decides."""
    if signature is None:
        return Opcode(code, name, immediate, None, feature, access)
    params, results = (tuple(_LETTERS[c] for c in part) for part in signature.split(":"))
    return Opcode(code, name, immediate, FuncType(params, results), feature, access)
