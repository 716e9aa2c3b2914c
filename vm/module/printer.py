"""A disassembler for people: the module's parts in order, code indented by nesting, with byte offsets.

The output is close to the text format, not the text format itself: indices stay numbers (with the name the
"name" section gives behind them, in angle brackets), and each block has a number (``@3``) that the
branches to it repeat. ``@0`` is the function.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import groupby

from vm.isa.opcode import CatchClause
from vm.isa.opcodes import TEXT_NAMES, Immediate, Opcode
from vm.isa.types import DefType, FuncType, GlobalType, MemoryType, TableType, TagType
from vm.module.instructions import BlockType, read
from vm.module.model import ConstExpr, DataSegment, ElementSegment, ModuleData
from vm.module.type_text import clause, definitions, extern_text, signature_text, type_text
from vm.typed import Any

_INDENT = "  "
_MARGIN = " " * 10
_SHOWN_BYTES = 32
"""Bytes of a data segment that are printed; the rest is counted."""

_WORDS = (0, 32, 64, 96)
_OPENS = frozenset({"block", "loop", "if", "try", "try_table"})
_ARMS = frozenset({"else", "catch", "catch_all"})


def disassemble(module: ModuleData) -> Iterator[str]:
    """The lines of the disassembly; raises ``DecodeError`` where code is malformed."""
    yield f"{_MARGIN}(module{_angle(module.names.module)}"
    for line in _declarations(module):
        yield f"{_MARGIN}{_INDENT}{line}"
    for index in range(module.imported_functions, len(module.functions)):
        yield from _function(module, index)
    for number, segment in enumerate(module.data):
        yield f"{_MARGIN}{_INDENT}{_data(module, number, segment)}"
    for name, start, end in module.custom:
        yield f"{_MARGIN}{_INDENT}(custom {quoted(name.encode())} {end - start} bytes)"
    yield f"{_MARGIN})"


def _declarations(module: ModuleData) -> Iterator[str]:
    """Everything that stands before the functions."""
    yield from definitions(module)
    yield from _imports(module)
    for index, init in enumerate(module.table_inits, module.imported_tables):
        first = f" {_expression(module, init)}" if init is not None else ""
        yield f"(table {index} {extern_text(module, module.tables[index])}{first})"
    for index in range(module.imported_memories, len(module.memories)):
        yield f"(memory {index} {extern_text(module, module.memories[index])})"
    for index in range(module.imported_tags, len(module.tags)):
        yield f"(tag {index}{signature_text(module, module.tags[index].definition.func)})"
    for index, definition in enumerate(module.global_defs, module.imported_globals):
        described = extern_text(module, definition.type)
        yield f"(global {index} {described} {_expression(module, definition.init)})"
    for export in module.exports:
        yield f"(export {quoted(export.name.encode())} ({export.kind} {export.index}))"
    if module.start is not None:
        yield f"(start {module.start}{_function_name(module, module.start)})"
    for number, segment in enumerate(module.elements):
        yield _element(module, number, segment)


def _imports(module: ModuleData) -> Iterator[str]:
    counts = dict.fromkeys(_KINDS.values(), 0)
    for item in module.imports:
        kind = _KINDS[type(item.type)]
        index, counts[kind] = counts[kind], counts[kind] + 1
        name = _function_name(module, index) if kind == "func" else ""
        names = f"{quoted(item.module.encode())} {quoted(item.name.encode())}"
        inner = " ".join(filter(None, (f"{kind} {index}{name}", extern_text(module, item.type))))
        yield f"(import {names} ({inner}))"


_KINDS: dict[type, str] = {
    DefType: "func",
    TableType: "table",
    MemoryType: "memory",
    GlobalType: "global",
    TagType: "tag",
}


def _function(module: ModuleData, index: int) -> Iterator[str]:
    body = module.bodies[index - module.imported_functions]
    signature = _block(module, module.functions[index])
    yield f"{_MARGIN}{_INDENT}(func {index}{_function_name(module, index)}{signature}"
    for number, kind in body.locals:
        yield f"{_MARGIN}{_INDENT * 2}(local {type_text(module, kind)}{f' x {number}' if number > 1 else ''})"
    for at, depth, text in _code(module, body.start, body.end):
        yield f"{at:#08x}  {_INDENT * (depth + 2)}{text}"
    yield f"{_MARGIN}{_INDENT})"


def _code(module: ModuleData, at: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Instructions as (offset, nesting, text); the function's own ``end`` is left out."""
    labels = [0]
    next_label = 1
    while at < end:
        opcode, immediates, following = read(module.binary, at)
        if not labels:
            labels.append(0)  # behind the last `end`: invalid, and shown
        if opcode.name in ("end", "delegate"):
            label = labels.pop()
            if labels:
                outwards = f" {_label(immediates[0], labels)}" if immediates else ""
                yield at, len(labels) - 1, f"{opcode} @{label}{outwards}"
        elif opcode.name in _ARMS:
            tag = f" {immediates[0]}" if immediates else ""
            yield at, len(labels) - 2, f"{opcode} @{labels[-1]}{tag}"
        elif opcode.name in _OPENS:
            clauses = "".join(_clause(clause, labels) for part in immediates[1:] for clause in part)
            yield at, len(labels) - 1, f"{opcode} @{next_label}{_block(module, immediates[0])}{clauses}"
            labels.append(next_label)
            next_label += 1
        else:
            yield at, len(labels) - 1, _instruction(module, opcode, immediates, labels)
        at = following


def _clause(clause: CatchClause, labels: list[int]) -> str:
    kind = ("catch_all" if clause.tag is None else "catch") + ("_ref" if clause.with_ref else "")
    tag = "" if clause.tag is None else f" {clause.tag}"
    return f" ({kind}{tag} {_label(clause.depth, labels)})"


def _block(module: ModuleData, immediate: BlockType) -> str:
    if immediate is None:
        return ""
    if isinstance(immediate, int):
        known = module.types[immediate].composite if immediate < len(module.types) else None
        return signature_text(module, known) if isinstance(known, FuncType) else f" (type {immediate})"
    return clause(module, "result", (immediate,))


def _instruction(module: ModuleData, opcode: Opcode, immediates: tuple[Any, ...], labels: list[int]) -> str:
    operands = _operands(module, opcode, immediates, labels)
    name = TEXT_NAMES.get(opcode.name, opcode.name)
    return f"{name} {operands}" if operands else name


def _operands(module: ModuleData, opcode: Opcode, immediates: tuple[Any, ...], labels: list[int]) -> str:
    match opcode.immediate:
        case Immediate.LABEL:
            return _label(immediates[0], labels)
        case Immediate.LABEL_TABLE:
            return ", ".join(_label(depth, labels) for depth in (*immediates[0], immediates[1]))
        case Immediate.FUNC:
            return f"{immediates[0]}{_function_name(module, immediates[0])}"
        case Immediate.CALL_INDIRECT:
            return f"{immediates[1]} (type {immediates[0]})"
        case Immediate.MEMARG:
            return _memarg(opcode, *immediates)
        case Immediate.F32:
            return float_text(immediates[0], "<I", "<f")
        case Immediate.F64:
            return float_text(immediates[0], "<Q", "<d")
        case Immediate.V128:
            return "i32x4 " + " ".join(f"{immediates[0] >> shift & 0xFFFF_FFFF:#010x}" for shift in _WORDS)
        case Immediate.MEMARG_LANE:
            return f"{_memarg(opcode, *immediates[:3])} {immediates[3]}".strip()
        case Immediate.REF_TYPE:
            return str(immediates[0].heap if opcode.name == "ref.null" else immediates[0])
        case Immediate.CAST:
            return " ".join((_label(immediates[0], labels), *map(str, immediates[1:])))
        case Immediate.SELECT_TYPES:
            return clause(module, "result", immediates[0]).strip()
        case _:
            return " ".join(map(str, immediates))


def _label(depth: int, labels: list[int]) -> str:
    return f"{depth} @{labels[-1 - depth]}" if depth < len(labels) else f"{depth} @?"


def _memarg(opcode: Opcode, align: int, offset: int, memory: int) -> str:
    parts = [str(memory)] if memory else []
    if offset:
        parts.append(f"offset={offset}")
    if 1 << align != opcode.access:
        parts.append(f"align={1 << align}")
    return " ".join(parts)


def float_text(bits: int, integer: str, floating: str) -> str:
    """A float constant as the text format spells it; the formats are ``struct``'s for its bits and value."""
    packed = struct.pack(integer, bits)
    value: float = struct.unpack(floating, packed)[0]
    if value == value:
        exact = (f"{value:.{digits}g}" for digits in range(6, 18))
        return next(text for text in exact if struct.pack(floating, float(text)) == packed)
    fraction = 23 if floating == "<f" else 52
    payload = bits & ((1 << fraction) - 1)
    sign = "-" if bits >> (8 * len(packed) - 1) else ""
    return f"{sign}nan" if payload == 1 << (fraction - 1) else f"{sign}nan:{payload:#x}"


def _expression(module: ModuleData, expression: ConstExpr) -> str:
    code = [text for _, _, text in _code(module, expression.start, expression.end)]
    return f"({'; '.join(code)})"


def _element(module: ModuleData, number: int, segment: ElementSegment) -> str:
    where = segment.mode
    if segment.offset is not None:
        where = f"(table {segment.table}) (offset {_expression(module, segment.offset)})"
    items = [
        _expression(module, item) if isinstance(item, ConstExpr) else f"{item}{_function_name(module, item)}"
        for item in segment.items
    ]
    runs = ((text, len(list(same))) for text, same in groupby(items))
    listed = ", ".join(f"{text}{f' x {count}' if count > 1 else ''}" for text, count in runs)
    return f"(elem {number} {where} {type_text(module, segment.type)}: {listed})"


def _data(module: ModuleData, number: int, segment: DataSegment) -> str:
    where = "passive"
    if segment.offset is not None:
        where = f"(memory {segment.memory}) (offset {_expression(module, segment.offset)})"
    size = segment.end - segment.start
    shown = quoted(module.binary[segment.start : min(segment.end, segment.start + _SHOWN_BYTES)])
    rest = " ..." if size > _SHOWN_BYTES else ""
    return f"(data {number} {where} {size} bytes {shown}{rest})"


def _function_name(module: ModuleData, index: int) -> str:
    return _angle(module.names.functions.get(index))


def _angle(name: str | None) -> str:
    """A name for reading, in angle brackets; control characters are escaped."""
    return (
        "" if name is None else " <" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name) + ">"
    )


def quoted(data: bytes) -> str:
    """A string literal of the text format; what is no printable ASCII is escaped."""
    plain = (chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:02x}" for byte in data)
    return '"' + "".join(plain) + '"'
