"""What each section holds: one function a section, from a bounded cursor into the model (spec 5.5)."""

from __future__ import annotations

from vm.isa.types import (
    FUNCREF,
    ExternType,
    GlobalType,
    Heap,
    Limits,
    MemoryType,
    RefType,
    TableType,
    TagType,
    ValType,
)
from vm.module.definitions import types
from vm.module.leb import signed
from vm.module.model import (
    Bodies,
    Body,
    ConstExpr,
    DataSegment,
    ElementSegment,
    Export,
    GlobalDef,
    Import,
    ModuleData,
)
from vm.module.reader import Reader
from vm.typed import Callable

EXPORT_KINDS = ("func", "table", "memory", "global", "tag")
"""Kinds of imports and exports, by their byte."""

MAX_LOCALS = 2**32 - 1
"""Locals of one function, declared ones and parameters together (spec 5.5.13)."""

_WITH_INITIALISER = 0x40
"""What opens a table that says what its elements are at first."""

_FUNCTION = RefType(Heap.FUNC, False)
"""The type of elements that are given as function indices."""

_HAS_MAXIMUM, _SHARED, _ADDRESS_64, _PAGE_SIZE = 1, 2, 4, 8
"""Bits of the flags in front of limits."""
_MOST_PAGE_BITS = 63


def imports(r: Reader, module: ModuleData) -> None:
    """Section 2: fills the front of each index space."""
    for _ in range(r.count("imports")):
        source, name = r.name("import module"), r.name("import name")
        kind = r.byte("import kind")
        if kind >= len(EXPORT_KINDS):
            raise r.fail("malformed import kind", f"byte {kind:#x}", r.at - 1)
        module.imports.append(Import(source, name, _import_type(r, module, EXPORT_KINDS[kind])))
    module.imported_functions = len(module.functions)
    module.imported_tables = len(module.tables)
    module.imported_memories = len(module.memories)
    module.imported_globals = len(module.globals)
    module.imported_tags = len(module.tags)


def _import_type(r: Reader, module: ModuleData, kind: str) -> ExternType:
    if kind == "func":
        start, index = r.at, r.u32("type index")
        module.functions.append(index)
        return r.type(index, start)
    if kind == "table":
        module.tables.append(_table_type(r))
        return module.tables[-1]
    if kind == "memory":
        module.memories.append(_memory_type(r))
        return module.memories[-1]
    if kind == "tag":
        module.tags.append(_tag_type(r))
        return module.tags[-1]
    module.globals.append(_global_type(r))
    return module.globals[-1]


def functions(r: Reader, module: ModuleData) -> None:
    """Section 3: type indices of the functions defined here."""
    module.functions += r.u32s("functions")


def tables(r: Reader, module: ModuleData) -> None:
    """Section 4."""
    for _ in range(r.count("tables")):
        explicit = r.at < r.end and r.data[r.at] == _WITH_INITIALISER
        if explicit:
            r.at += 1
            if r.byte("table flags"):
                raise r.fail("malformed table", "0 was expected", r.at - 1)
        module.tables.append(_table_type(r))
        module.table_inits.append(r.const_expr() if explicit else None)


def memories(r: Reader, module: ModuleData) -> None:
    """Section 5."""
    module.memories += r.vector("memories", lambda: _memory_type(r))


def tags(r: Reader, module: ModuleData) -> None:
    """Section 13, which stands behind the memories."""
    module.tags += r.vector("tags", lambda: _tag_type(r))


def globals_(r: Reader, module: ModuleData) -> None:
    """Section 6."""
    module.global_defs = r.vector("globals", lambda: GlobalDef(_global_type(r), r.const_expr()))
    module.globals += [definition.type for definition in module.global_defs]


def exports(r: Reader, module: ModuleData) -> None:
    """Section 7."""

    def one() -> Export:
        name = r.name("export name")
        kind = r.byte("export kind")
        if kind >= len(EXPORT_KINDS):
            raise r.fail("malformed export kind", f"byte {kind:#x}", r.at - 1)
        return Export(name, EXPORT_KINDS[kind], r.u32("export index"))

    module.exports = r.vector("exports", one)


def start(r: Reader, module: ModuleData) -> None:
    """Section 8."""
    module.start = r.u32("start function")


def elements(r: Reader, module: ModuleData) -> None:
    """Section 9."""
    module.elements = r.vector("element segments", lambda: _element_segment(r))


def _element_segment(r: Reader) -> ElementSegment:
    """One segment; bits of the flags: 0 not active, 1 declarative or explicit table, 2 expressions."""
    flags = r.u32("element segment flags")
    if flags > 7:
        raise r.fail("malformed elements segment kind", f"flags {flags:#x}", r.at - 1)
    active = not flags & 1
    mode = "active" if active else "declarative" if flags & 2 else "passive"
    table = r.u32("table index") if active and flags & 2 else 0
    offset = r.const_expr() if active else None
    element = FUNCREF if flags & 4 else _FUNCTION
    if flags & 3:
        element = r.ref_type() if flags & 4 else _element_kind(r)
    items: list[ConstExpr] | list[int]
    items = r.vector("elements", r.const_expr) if flags & 4 else r.u32s("elements")
    return ElementSegment(mode, element, tuple(items), table, offset)


def _element_kind(r: Reader) -> RefType:
    kind = r.byte("element kind")
    if kind:
        raise r.fail("malformed element kind", f"byte {kind:#x}, 0 was expected", r.at - 1)
    return _FUNCTION


def data_count(r: Reader, module: ModuleData) -> None:
    """Section 12."""
    module.data_count = r.u32("data count")


def code(r: Reader, module: ModuleData) -> None:
    """Section 10: bodies as byte ranges; neither their locals nor their instructions are looked at."""
    binary, types = r.data, module.types
    module.bodies = Bodies(
        r.extents("function bodies"), lambda start, end: _body(Reader(binary, start, end, types))
    )


def _body(r: Reader) -> Body:
    runs = []
    total = 0
    for _ in range(r.count("local declarations")):
        at, number = r.at, r.u32("number of locals")
        total += number
        if total > MAX_LOCALS:
            raise r.fail("too many locals", f"{total} or more", at)
        runs.append((number, r.value_type()))
    return Body(tuple(runs), r.at, r.end)


def data(r: Reader, module: ModuleData) -> None:
    """Section 11."""

    def one() -> DataSegment:
        flags = r.u32("data segment flags")
        if flags > 2:
            raise r.fail("malformed data segment kind", f"flags {flags:#x}", r.at - 1)
        memory = r.u32("memory index") if flags == 2 else 0
        offset = r.const_expr() if flags != 1 else None
        size = r.u32("data length")
        begin = r.skip(size, "data")
        return DataSegment(begin, begin + size, memory, offset)

    module.data = r.vector("data segments", lambda: _usual_segment(r) or one())


def _usual_segment(r: Reader) -> DataSegment | None:
    """A segment of memory 0 whose offset is one number, as nearly all are; None, and nothing read, else."""
    data, at = r.data, r.at
    if data[at : at + 2] != _USUAL_SEGMENT:
        return None
    _, behind = signed(data, at + 2, 32)
    if data[behind : behind + 1] != _END:
        return None
    offset = ConstExpr(at + 1, behind + 1)
    r.at = behind + 1
    size = r.u32("data length")
    begin = r.skip(size, "data")
    return DataSegment(begin, begin + size, 0, offset)


_USUAL_SEGMENT, _END = b"\0\x41", b"\x0b"
"""Flags 0 and ``i32.const``; ``end``."""


def _limits(r: Reader, flags: int) -> Limits:
    """Bounds are read with 64 bits; whether they are too big for what they bound is the validator's."""
    minimum = r.unsigned("minimum", 64)
    maximum = r.unsigned("maximum", 64) if flags & _HAS_MAXIMUM else None
    return Limits(minimum, maximum, ValType.I64 if flags & _ADDRESS_64 else ValType.I32)


def _limits_flags(r: Reader, known: int) -> int:
    """The byte in front of limits; ``known`` are the bits that may be set in it."""
    flags = r.byte("limits flags")
    if flags & ~known:
        raise r.fail("malformed limits flags", f"{flags:#x}", r.at - 1)
    return flags


def _table_type(r: Reader) -> TableType:
    element = r.ref_type()
    return TableType(element, _limits(r, _limits_flags(r, _HAS_MAXIMUM | _ADDRESS_64)))


def _memory_type(r: Reader) -> MemoryType:
    flags = _limits_flags(r, _HAS_MAXIMUM | _SHARED | _ADDRESS_64 | _PAGE_SIZE)
    if not flags & _PAGE_SIZE:
        return MemoryType(_limits(r, flags), bool(flags & _SHARED))
    if r.at == r.end:  # no such flag existed before page sizes, and tests still say so
        raise r.fail("malformed limits flags", "a page size is announced, and nothing follows", r.at - 1)
    limits, at, bits = _limits(r, flags), r.at, r.u32("page size")
    if bits > _MOST_PAGE_BITS:
        raise r.fail("invalid custom page size", f"2^{bits}", at)
    return MemoryType(limits, bool(flags & _SHARED), bits)


def _tag_type(r: Reader) -> TagType:
    attribute = r.byte("tag attribute")
    if attribute:
        raise r.fail("malformed tag attribute", f"byte {attribute:#x}, 0 was expected", r.at - 1)
    start = r.at
    return TagType(r.type(r.u32("type index"), start))


def _global_type(r: Reader) -> GlobalType:
    return GlobalType(r.value_type(), r.mutability())


SECTIONS: dict[int, Callable[[Reader, ModuleData], None]] = {
    1: types,
    2: imports,
    3: functions,
    4: tables,
    5: memories,
    13: tags,
    6: globals_,
    7: exports,
    8: start,
    9: elements,
    12: data_count,
    10: code,
    11: data,
}
"""Every section but the custom one, by its id, in the order in which they must stand."""
