"""The opcode table: one row an instruction, from which everything else derives.

A row says how an instruction is encoded (``code``, ``immediate``), what it is called (``name``, the
specification's text name), what it does to the operand stack (``type``, when that does not depend on
context), how many bytes of memory it touches (``access``) and which addition to the language brought
it (``feature``). Decoder, validator, printer, interpreter and compilers read the table and nothing
else, so a new instruction starts as a new row here. Source: specification 5.4 and its opcode index.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vm.isa.types import FuncType, ValType


class Immediate(enum.Enum):
    """What follows an opcode in the binary, and hence the tuple ``vm.module.instructions.read`` gives."""

    NONE = "none"  # ()
    BLOCK = "block"  # (block type,): None, a ValType, or a type index
    LABEL = "label"  # (depth,)
    LABEL_TABLE = "label_table"  # ((depth, ...), default depth)
    FUNC = "func"  # (function index,)
    CALL_INDIRECT = "call_indirect"  # (type index, table index)
    LOCAL = "local"  # (local index,)
    GLOBAL = "global"  # (global index,)
    TABLE = "table"  # (table index,)
    TABLE_TABLE = "table_table"  # (destination table, source table)
    ELEM = "elem"  # (segment index,)
    ELEM_TABLE = "elem_table"  # (segment index, table index)
    DATA = "data"  # (segment index,)
    DATA_MEMORY = "data_memory"  # (segment index, memory index)
    MEMARG = "memarg"  # (log2 of alignment, offset)
    MEMORY = "memory"  # (memory index,)
    MEMORY_MEMORY = "memory_memory"  # (destination memory, source memory)
    I32 = "i32"  # (value,), signed
    I64 = "i64"  # (value,), signed
    F32 = "f32"  # (bit pattern,), unsigned
    F64 = "f64"  # (bit pattern,), unsigned
    REF_TYPE = "ref_type"  # (ValType,)
    SELECT_TYPES = "select_types"  # ((ValType, ...),)


class Feature(enum.StrEnum):
    """The addition to WebAssembly 1.0 that brought an instruction."""

    MVP = "mvp"
    SIGN_EXTENSION = "sign-extension"
    SATURATION = "saturating-float-to-int"
    BULK_MEMORY = "bulk-memory"
    REFERENCES = "reference-types"


@dataclass(frozen=True, slots=True)
class Opcode:
    """One row. ``code`` is the opcode byte, or ``0xFC00 | sub-opcode`` behind the prefix 0xFC.

    ``type`` is None where the operands depend on context (control, variables, tables, references,
    parametric instructions): the validator holds those rules. ``access`` is the width in bytes of a
    load or store, 0 for everything else.
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
    def is_load(self) -> bool:
        """Whether it reads linear memory at an address from the stack."""
        return self.access > 0 and self.type is not None and bool(self.type.results)

    @property
    def is_store(self) -> bool:
        """Whether it writes linear memory at an address from the stack."""
        return self.access > 0 and not self.is_load


_LETTERS = {"i": ValType.I32, "l": ValType.I64, "f": ValType.F32, "d": ValType.F64}


def _row(
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


_N = Immediate.NONE

OPCODES: tuple[Opcode, ...] = (
    # control
    _row(0x00, "unreachable", _N, None),
    _row(0x01, "nop", _N, ":"),
    _row(0x02, "block", Immediate.BLOCK, None),
    _row(0x03, "loop", Immediate.BLOCK, None),
    _row(0x04, "if", Immediate.BLOCK, None),
    _row(0x05, "else", _N, None),
    _row(0x0B, "end", _N, None),
    _row(0x0C, "br", Immediate.LABEL, None),
    _row(0x0D, "br_if", Immediate.LABEL, None),
    _row(0x0E, "br_table", Immediate.LABEL_TABLE, None),
    _row(0x0F, "return", _N, None),
    _row(0x10, "call", Immediate.FUNC, None),
    _row(0x11, "call_indirect", Immediate.CALL_INDIRECT, None),
    # parametric; the text format calls both forms of select "select"
    _row(0x1A, "drop", _N, None),
    _row(0x1B, "select", _N, None),
    _row(0x1C, "select_t", Immediate.SELECT_TYPES, None, Feature.REFERENCES),
    # variables
    _row(0x20, "local.get", Immediate.LOCAL, None),
    _row(0x21, "local.set", Immediate.LOCAL, None),
    _row(0x22, "local.tee", Immediate.LOCAL, None),
    _row(0x23, "global.get", Immediate.GLOBAL, None),
    _row(0x24, "global.set", Immediate.GLOBAL, None),
    # tables and references
    _row(0x25, "table.get", Immediate.TABLE, None, Feature.REFERENCES),
    _row(0x26, "table.set", Immediate.TABLE, None, Feature.REFERENCES),
    _row(0xFC0C, "table.init", Immediate.ELEM_TABLE, None, Feature.BULK_MEMORY),
    _row(0xFC0D, "elem.drop", Immediate.ELEM, ":", Feature.BULK_MEMORY),
    _row(0xFC0E, "table.copy", Immediate.TABLE_TABLE, None, Feature.BULK_MEMORY),
    _row(0xFC0F, "table.grow", Immediate.TABLE, None, Feature.REFERENCES),
    _row(0xFC10, "table.size", Immediate.TABLE, None, Feature.REFERENCES),
    _row(0xFC11, "table.fill", Immediate.TABLE, None, Feature.REFERENCES),
    _row(0xD0, "ref.null", Immediate.REF_TYPE, None, Feature.REFERENCES),
    _row(0xD1, "ref.is_null", _N, None, Feature.REFERENCES),
    _row(0xD2, "ref.func", Immediate.FUNC, None, Feature.REFERENCES),
    # memory
    _row(0x28, "i32.load", Immediate.MEMARG, "i:i", access=4),
    _row(0x29, "i64.load", Immediate.MEMARG, "i:l", access=8),
    _row(0x2A, "f32.load", Immediate.MEMARG, "i:f", access=4),
    _row(0x2B, "f64.load", Immediate.MEMARG, "i:d", access=8),
    _row(0x2C, "i32.load8_s", Immediate.MEMARG, "i:i", access=1),
    _row(0x2D, "i32.load8_u", Immediate.MEMARG, "i:i", access=1),
    _row(0x2E, "i32.load16_s", Immediate.MEMARG, "i:i", access=2),
    _row(0x2F, "i32.load16_u", Immediate.MEMARG, "i:i", access=2),
    _row(0x30, "i64.load8_s", Immediate.MEMARG, "i:l", access=1),
    _row(0x31, "i64.load8_u", Immediate.MEMARG, "i:l", access=1),
    _row(0x32, "i64.load16_s", Immediate.MEMARG, "i:l", access=2),
    _row(0x33, "i64.load16_u", Immediate.MEMARG, "i:l", access=2),
    _row(0x34, "i64.load32_s", Immediate.MEMARG, "i:l", access=4),
    _row(0x35, "i64.load32_u", Immediate.MEMARG, "i:l", access=4),
    _row(0x36, "i32.store", Immediate.MEMARG, "ii:", access=4),
    _row(0x37, "i64.store", Immediate.MEMARG, "il:", access=8),
    _row(0x38, "f32.store", Immediate.MEMARG, "if:", access=4),
    _row(0x39, "f64.store", Immediate.MEMARG, "id:", access=8),
    _row(0x3A, "i32.store8", Immediate.MEMARG, "ii:", access=1),
    _row(0x3B, "i32.store16", Immediate.MEMARG, "ii:", access=2),
    _row(0x3C, "i64.store8", Immediate.MEMARG, "il:", access=1),
    _row(0x3D, "i64.store16", Immediate.MEMARG, "il:", access=2),
    _row(0x3E, "i64.store32", Immediate.MEMARG, "il:", access=4),
    _row(0x3F, "memory.size", Immediate.MEMORY, ":i"),
    _row(0x40, "memory.grow", Immediate.MEMORY, "i:i"),
    _row(0xFC08, "memory.init", Immediate.DATA_MEMORY, "iii:", Feature.BULK_MEMORY),
    _row(0xFC09, "data.drop", Immediate.DATA, ":", Feature.BULK_MEMORY),
    _row(0xFC0A, "memory.copy", Immediate.MEMORY_MEMORY, "iii:", Feature.BULK_MEMORY),
    _row(0xFC0B, "memory.fill", Immediate.MEMORY, "iii:", Feature.BULK_MEMORY),
    # constants
    _row(0x41, "i32.const", Immediate.I32, ":i"),
    _row(0x42, "i64.const", Immediate.I64, ":l"),
    _row(0x43, "f32.const", Immediate.F32, ":f"),
    _row(0x44, "f64.const", Immediate.F64, ":d"),
    # numeric
    _row(0x45, "i32.eqz", _N, "i:i"),
    _row(0x46, "i32.eq", _N, "ii:i"),
    _row(0x47, "i32.ne", _N, "ii:i"),
    _row(0x48, "i32.lt_s", _N, "ii:i"),
    _row(0x49, "i32.lt_u", _N, "ii:i"),
    _row(0x4A, "i32.gt_s", _N, "ii:i"),
    _row(0x4B, "i32.gt_u", _N, "ii:i"),
    _row(0x4C, "i32.le_s", _N, "ii:i"),
    _row(0x4D, "i32.le_u", _N, "ii:i"),
    _row(0x4E, "i32.ge_s", _N, "ii:i"),
    _row(0x4F, "i32.ge_u", _N, "ii:i"),
    _row(0x50, "i64.eqz", _N, "l:i"),
    _row(0x51, "i64.eq", _N, "ll:i"),
    _row(0x52, "i64.ne", _N, "ll:i"),
    _row(0x53, "i64.lt_s", _N, "ll:i"),
    _row(0x54, "i64.lt_u", _N, "ll:i"),
    _row(0x55, "i64.gt_s", _N, "ll:i"),
    _row(0x56, "i64.gt_u", _N, "ll:i"),
    _row(0x57, "i64.le_s", _N, "ll:i"),
    _row(0x58, "i64.le_u", _N, "ll:i"),
    _row(0x59, "i64.ge_s", _N, "ll:i"),
    _row(0x5A, "i64.ge_u", _N, "ll:i"),
    _row(0x5B, "f32.eq", _N, "ff:i"),
    _row(0x5C, "f32.ne", _N, "ff:i"),
    _row(0x5D, "f32.lt", _N, "ff:i"),
    _row(0x5E, "f32.gt", _N, "ff:i"),
    _row(0x5F, "f32.le", _N, "ff:i"),
    _row(0x60, "f32.ge", _N, "ff:i"),
    _row(0x61, "f64.eq", _N, "dd:i"),
    _row(0x62, "f64.ne", _N, "dd:i"),
    _row(0x63, "f64.lt", _N, "dd:i"),
    _row(0x64, "f64.gt", _N, "dd:i"),
    _row(0x65, "f64.le", _N, "dd:i"),
    _row(0x66, "f64.ge", _N, "dd:i"),
    _row(0x67, "i32.clz", _N, "i:i"),
    _row(0x68, "i32.ctz", _N, "i:i"),
    _row(0x69, "i32.popcnt", _N, "i:i"),
    _row(0x6A, "i32.add", _N, "ii:i"),
    _row(0x6B, "i32.sub", _N, "ii:i"),
    _row(0x6C, "i32.mul", _N, "ii:i"),
    _row(0x6D, "i32.div_s", _N, "ii:i"),
    _row(0x6E, "i32.div_u", _N, "ii:i"),
    _row(0x6F, "i32.rem_s", _N, "ii:i"),
    _row(0x70, "i32.rem_u", _N, "ii:i"),
    _row(0x71, "i32.and", _N, "ii:i"),
    _row(0x72, "i32.or", _N, "ii:i"),
    _row(0x73, "i32.xor", _N, "ii:i"),
    _row(0x74, "i32.shl", _N, "ii:i"),
    _row(0x75, "i32.shr_s", _N, "ii:i"),
    _row(0x76, "i32.shr_u", _N, "ii:i"),
    _row(0x77, "i32.rotl", _N, "ii:i"),
    _row(0x78, "i32.rotr", _N, "ii:i"),
    _row(0x79, "i64.clz", _N, "l:l"),
    _row(0x7A, "i64.ctz", _N, "l:l"),
    _row(0x7B, "i64.popcnt", _N, "l:l"),
    _row(0x7C, "i64.add", _N, "ll:l"),
    _row(0x7D, "i64.sub", _N, "ll:l"),
    _row(0x7E, "i64.mul", _N, "ll:l"),
    _row(0x7F, "i64.div_s", _N, "ll:l"),
    _row(0x80, "i64.div_u", _N, "ll:l"),
    _row(0x81, "i64.rem_s", _N, "ll:l"),
    _row(0x82, "i64.rem_u", _N, "ll:l"),
    _row(0x83, "i64.and", _N, "ll:l"),
    _row(0x84, "i64.or", _N, "ll:l"),
    _row(0x85, "i64.xor", _N, "ll:l"),
    _row(0x86, "i64.shl", _N, "ll:l"),
    _row(0x87, "i64.shr_s", _N, "ll:l"),
    _row(0x88, "i64.shr_u", _N, "ll:l"),
    _row(0x89, "i64.rotl", _N, "ll:l"),
    _row(0x8A, "i64.rotr", _N, "ll:l"),
    _row(0x8B, "f32.abs", _N, "f:f"),
    _row(0x8C, "f32.neg", _N, "f:f"),
    _row(0x8D, "f32.ceil", _N, "f:f"),
    _row(0x8E, "f32.floor", _N, "f:f"),
    _row(0x8F, "f32.trunc", _N, "f:f"),
    _row(0x90, "f32.nearest", _N, "f:f"),
    _row(0x91, "f32.sqrt", _N, "f:f"),
    _row(0x92, "f32.add", _N, "ff:f"),
    _row(0x93, "f32.sub", _N, "ff:f"),
    _row(0x94, "f32.mul", _N, "ff:f"),
    _row(0x95, "f32.div", _N, "ff:f"),
    _row(0x96, "f32.min", _N, "ff:f"),
    _row(0x97, "f32.max", _N, "ff:f"),
    _row(0x98, "f32.copysign", _N, "ff:f"),
    _row(0x99, "f64.abs", _N, "d:d"),
    _row(0x9A, "f64.neg", _N, "d:d"),
    _row(0x9B, "f64.ceil", _N, "d:d"),
    _row(0x9C, "f64.floor", _N, "d:d"),
    _row(0x9D, "f64.trunc", _N, "d:d"),
    _row(0x9E, "f64.nearest", _N, "d:d"),
    _row(0x9F, "f64.sqrt", _N, "d:d"),
    _row(0xA0, "f64.add", _N, "dd:d"),
    _row(0xA1, "f64.sub", _N, "dd:d"),
    _row(0xA2, "f64.mul", _N, "dd:d"),
    _row(0xA3, "f64.div", _N, "dd:d"),
    _row(0xA4, "f64.min", _N, "dd:d"),
    _row(0xA5, "f64.max", _N, "dd:d"),
    _row(0xA6, "f64.copysign", _N, "dd:d"),
    _row(0xA7, "i32.wrap_i64", _N, "l:i"),
    _row(0xA8, "i32.trunc_f32_s", _N, "f:i"),
    _row(0xA9, "i32.trunc_f32_u", _N, "f:i"),
    _row(0xAA, "i32.trunc_f64_s", _N, "d:i"),
    _row(0xAB, "i32.trunc_f64_u", _N, "d:i"),
    _row(0xAC, "i64.extend_i32_s", _N, "i:l"),
    _row(0xAD, "i64.extend_i32_u", _N, "i:l"),
    _row(0xAE, "i64.trunc_f32_s", _N, "f:l"),
    _row(0xAF, "i64.trunc_f32_u", _N, "f:l"),
    _row(0xB0, "i64.trunc_f64_s", _N, "d:l"),
    _row(0xB1, "i64.trunc_f64_u", _N, "d:l"),
    _row(0xB2, "f32.convert_i32_s", _N, "i:f"),
    _row(0xB3, "f32.convert_i32_u", _N, "i:f"),
    _row(0xB4, "f32.convert_i64_s", _N, "l:f"),
    _row(0xB5, "f32.convert_i64_u", _N, "l:f"),
    _row(0xB6, "f32.demote_f64", _N, "d:f"),
    _row(0xB7, "f64.convert_i32_s", _N, "i:d"),
    _row(0xB8, "f64.convert_i32_u", _N, "i:d"),
    _row(0xB9, "f64.convert_i64_s", _N, "l:d"),
    _row(0xBA, "f64.convert_i64_u", _N, "l:d"),
    _row(0xBB, "f64.promote_f32", _N, "f:d"),
    _row(0xBC, "i32.reinterpret_f32", _N, "f:i"),
    _row(0xBD, "i64.reinterpret_f64", _N, "d:l"),
    _row(0xBE, "f32.reinterpret_i32", _N, "i:f"),
    _row(0xBF, "f64.reinterpret_i64", _N, "l:d"),
    _row(0xC0, "i32.extend8_s", _N, "i:i", Feature.SIGN_EXTENSION),
    _row(0xC1, "i32.extend16_s", _N, "i:i", Feature.SIGN_EXTENSION),
    _row(0xC2, "i64.extend8_s", _N, "l:l", Feature.SIGN_EXTENSION),
    _row(0xC3, "i64.extend16_s", _N, "l:l", Feature.SIGN_EXTENSION),
    _row(0xC4, "i64.extend32_s", _N, "l:l", Feature.SIGN_EXTENSION),
    _row(0xFC00, "i32.trunc_sat_f32_s", _N, "f:i", Feature.SATURATION),
    _row(0xFC01, "i32.trunc_sat_f32_u", _N, "f:i", Feature.SATURATION),
    _row(0xFC02, "i32.trunc_sat_f64_s", _N, "d:i", Feature.SATURATION),
    _row(0xFC03, "i32.trunc_sat_f64_u", _N, "d:i", Feature.SATURATION),
    _row(0xFC04, "i64.trunc_sat_f32_s", _N, "f:l", Feature.SATURATION),
    _row(0xFC05, "i64.trunc_sat_f32_u", _N, "f:l", Feature.SATURATION),
    _row(0xFC06, "i64.trunc_sat_f64_s", _N, "d:l", Feature.SATURATION),
    _row(0xFC07, "i64.trunc_sat_f64_u", _N, "d:l", Feature.SATURATION),
)
"""Every instruction the engine knows, in the order of the specification's chapters."""

BY_CODE: dict[int, Opcode] = {opcode.code: opcode for opcode in OPCODES}
"""The table by ``Opcode.code``."""

BY_NAME: dict[str, Opcode] = {opcode.name: opcode for opcode in OPCODES}
"""The table by ``Opcode.name``."""

PREFIXES = frozenset(opcode.code >> 8 for opcode in OPCODES if opcode.code > 0xFF)
"""The bytes that open a two-part opcode."""
