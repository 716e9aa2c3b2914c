"""A module, and the opcode table, as the arrays of integers that the kernel reads."""

from __future__ import annotations

from collections.abc import Iterable

from vm.isa.opcodes import OPCODES, Immediate, Opcode
from vm.isa.types import (
    DefType,
    FuncType,
    Heap,
    PackedType,
    RefType,
    StorageType,
    StructType,
    ValType,
)
from vm.module.kernel import layout, walk, words
from vm.module.kernel.rules_control import CONTROL_RULES
from vm.module.kernel.rules_exceptions import EXCEPTION_RULES
from vm.module.kernel.rules_memory import MEMORY_RULES
from vm.module.kernel.rules_objects import OBJECT_RULES
from vm.module.kernel.rules_references import REFERENCE_RULES
from vm.module.kernel.rules_variables import VARIABLE_RULES
from vm.module.model import ModuleData

_NUMBERS: dict[StorageType, int] = {
    ValType.I32: words.I32,
    ValType.I64: words.I64,
    ValType.F32: words.F32,
    ValType.F64: words.F64,
    ValType.V128: words.V128,
    PackedType.I8: words.I8,
    PackedType.I16: words.I16,
}
_HEAPS = {
    Heap.ANY: words.ANY,
    Heap.EQ: words.EQ,
    Heap.I31: words.I31,
    Heap.STRUCT: words.STRUCT,
    Heap.ARRAY: words.ARRAY,
    Heap.NONE: words.NONE,
    Heap.FUNC: words.FUNC,
    Heap.NOFUNC: words.NOFUNC,
    Heap.EXTERN: words.EXTERN,
    Heap.NOEXTERN: words.NOEXTERN,
    Heap.EXN: words.EXN,
    Heap.NOEXN: words.NOEXN,
    Heap.BOT: words.BOTTOM,
}
_NUMBER_NAMES = {word: type for type, word in _NUMBERS.items()}
_HEAP_NAMES = {word: heap for heap, word in _HEAPS.items()}
_PADDING = 8
"""Cells of zeros behind each region: what a fault makes of an index, 0, lies inside."""


class Facts:
    """The facts of one module: ``cells`` for the kernel, and what its words mean."""

    def __init__(self, module: ModuleData, declared: Iterable[int]) -> None:
        self._numbers: dict[DefType, int] = {}
        self._definitions: list[DefType] = []
        for definition in module.types:
            self._number(definition)
        self.cells: list[int] = [0] * layout.HEAD_CELLS
        self._fill(module, declared)

    def word(self, type: StorageType) -> int:
        """The word of a type."""
        if not isinstance(type, RefType):
            return _NUMBERS[type]
        assert not isinstance(type.heap, int)
        heap = (
            words.DEFINED + self._number(type.heap) if isinstance(type.heap, DefType) else _HEAPS[type.heap]
        )
        return words.reference(heap, int(type.nullable))

    def type(self, word: int) -> StorageType | None:
        """The type of a word; None is ``words.ANYTHING``."""
        if word < words.REFERENCE:
            return _NUMBER_NAMES.get(word)
        heap = words.heap_of(word)
        named = self._definitions[heap - words.DEFINED] if heap >= words.DEFINED else _HEAP_NAMES[heap]
        return RefType(named, bool(word & 1))

    def definition(self, number: int) -> DefType:
        """The definition of a number."""
        return self._definitions[number]

    def _number(self, definition: DefType) -> int:
        number = self._numbers.get(definition)
        if number is None:
            number = self._numbers[definition] = len(self._definitions)
            self._definitions.append(definition)
        return number

    def _region(self, name: int, cells: Iterable[int]) -> None:
        self.cells[name] = len(self.cells)
        self.cells += cells
        self.cells += [0] * _PADDING

    def _fill(self, module: ModuleData, declared: Iterable[int]) -> None:
        head = self.cells
        types = [self._number(definition) for definition in module.types]
        head[layout.TYPE_COUNT] = len(types)
        self._region(layout.TYPES, types)
        self._region(layout.FUNCTIONS, (types[index] for index in module.functions))
        head[layout.FUNCTION_COUNT] = len(module.functions)
        addresses = {ValType.I32: words.I32, ValType.I64: words.I64}
        head[layout.TABLE_COUNT] = len(module.tables)
        tables = (
            (self.word(table.element), addresses[getattr(table.limits, "address", ValType.I32)])
            for table in module.tables
        )
        self._region(layout.TABLES, (cell for pair in tables for cell in pair))
        head[layout.MEMORY_COUNT] = len(module.memories)
        self._region(
            layout.MEMORIES,
            (addresses[getattr(memory.limits, "address", ValType.I32)] for memory in module.memories),
        )
        head[layout.GLOBAL_COUNT] = len(module.globals)
        variables = ((self.word(variable.content), int(variable.mutable)) for variable in module.globals)
        self._region(layout.GLOBALS, (cell for pair in variables for cell in pair))
        head[layout.ELEMENT_COUNT] = len(module.elements)
        self._region(layout.ELEMENTS, (self.word(segment.type) for segment in module.elements))
        head[layout.DATA_COUNT] = -1 if module.data_count is None else module.data_count
        head[layout.TAG_COUNT] = len(module.tags)
        self._region(layout.TAGS, (self._number(tag.definition) for tag in module.tags))
        named = bytearray(len(module.functions))
        for index in declared:
            if index < len(named):  # that it is one is checked elsewhere
                named[index] = 1
        self._region(layout.DECLARED, named)
        self._define()

    def _define(self) -> None:
        """The definitions; last, for the words of their parts may number more of them."""
        records: list[int] = []
        done = 0
        while done < len(self._definitions):  # a supertype or part may be a definition not met before
            records += self._record(self._definitions[done])
            done += 1
        self.cells[layout.DEFINITION_COUNT] = done
        self._region(layout.DEFINITIONS, records)
        singles = words.REFERENCE + 2 * (words.DEFINED + done)
        self._region(layout.SINGLES, range(singles))

    def _record(self, definition: DefType) -> list[int]:
        above = definition.supertype
        supertype = -1 if above is None else self._number(above)
        composite = definition.composite
        if isinstance(composite, FuncType):
            params, results = (
                [self.word(type) for type in side] for side in (composite.params, composite.results)
            )
            at, results_at = self._list(params), self._list(results)
            return [words.FUNC, supertype, at, len(params), results_at, len(results)]
        struct = isinstance(composite, StructType)
        fields = composite.fields if isinstance(composite, StructType) else (composite.element,)
        cells = [cell for field in fields for cell in (self.word(field.storage), int(field.mutable))]
        kind = words.STRUCT if struct else words.ARRAY
        defaults = int(all(field.unpacked.defaultable for field in fields))
        return [kind, supertype, self._list(cells), len(fields), defaults, 0]

    def _list(self, cells: list[int]) -> int:
        at = len(self.cells)
        self.cells += cells
        return at


RULES = {
    **VARIABLE_RULES,
    **CONTROL_RULES,
    **MEMORY_RULES,
    **REFERENCE_RULES,
    **OBJECT_RULES,
    **EXCEPTION_RULES,
}
_PLAIN = {
    Immediate.NONE: walk.PLAIN,
    Immediate.MEMARG: walk.ACCESSES,
    Immediate.MEMARG_LANE: walk.ACCESSES,
    Immediate.I32: walk.I32_NUMBER,
    Immediate.I64: walk.I64_NUMBER,
    Immediate.F32: walk.BYTES_4,
    Immediate.F64: walk.BYTES_8,
    Immediate.V128: walk.BYTES_16,
    Immediate.LANE: walk.LANE,
    Immediate.SHUFFLE: walk.SHUFFLE,
    Immediate.FENCE: walk.FENCE,
}
"""Rules of the instructions whose row says all about their operands, by immediate."""
CONSTANT = frozenset(
    {
        *("i32.const", "i64.const", "f32.const", "f64.const", "v128.const", "end"),
        *(f"{kind}.{op}" for kind in ("i32", "i64") for op in ("add", "sub", "mul")),
        *("ref.null", "ref.func", "ref.i31", "global.get", "any.convert_extern", "extern.convert_any"),
        *("struct.new", "struct.new_default", "array.new", "array.new_default", "array.new_fixed"),
    }
)
"""The instructions that a constant expression may use (spec 3.4.9)."""
_PAGES = {0xFB: layout.PAGE_FB, 0xFC: layout.PAGE_FC, 0xFD: layout.PAGE_FD, 0xFE: layout.PAGE_FE}


def _opcode_rows() -> list[int]:
    cells = [0] * (layout.OPCODE_CELLS * layout.OPCODE_COUNT)
    for opcode in OPCODES:
        slot = opcode.code if opcode.prefix is None else _PAGES[opcode.prefix] + opcode.sub
        at = layout.OPCODE_CELLS * slot
        cells[at : at + layout.OPCODE_CELLS] = opcode_row(opcode)
    return cells


def opcode_row(opcode: Opcode) -> list[int]:
    params = opcode.type.params if opcode.type is not None else ()
    results = opcode.type.results if opcode.type is not None else ()
    rule = RULES.get(opcode.name) or _PLAIN[opcode.immediate]
    if opcode.is_atomic and rule == walk.ACCESSES:
        rule = walk.ATOMIC_ACCESSES
    operands = 0
    for type in params:
        operands = operands << 4 | _NUMBERS[type]
    outcomes = 0
    for type in reversed(results):
        outcomes = outcomes << 4 | _NUMBERS[type]
    access = opcode.access.bit_length() - 1
    return [
        rule,
        operands,
        len(params),
        outcomes,
        access,
        opcode.lanes,
        int(opcode.name in CONSTANT),
    ]


OPCODE_ROWS = _opcode_rows()
"""The opcode table for the kernel: ``layout.OPCODE_CELLS`` cells an instruction."""
