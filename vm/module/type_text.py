"""Types as people read them: close to the text format, with type indices where a module's types are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vm.isa.types import (
    PAGE_SIZE,
    ArrayType,
    CompositeType,
    DefType,
    ExternType,
    FieldType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    RefType,
    StorageType,
    TableType,
    TagType,
    ValType,
)
from vm.module.model import ModuleData


def type_text(module: ModuleData, type: StorageType) -> str:
    """A value or field type."""
    if isinstance(type, RefType) and isinstance(type.heap, DefType):
        return str(RefType(module.index_of(type.heap), type.nullable))
    return str(type)


def clause(module: ModuleData, word: str, types: Iterable[StorageType]) -> str:
    """`` (word type ...)``, or nothing when there are no types."""
    listed = " ".join(type_text(module, type) for type in types)
    return f" ({word} {listed})" if listed else ""


def signature_text(module: ModuleData, signature: FuncType) -> str:
    """Parameters and results, with a space in front of each."""
    return clause(module, "param", signature.params) + clause(module, "result", signature.results)


def definitions(module: ModuleData) -> Iterator[str]:
    """The types that a module defines, a line each; members of a group of several say where it starts."""
    for index, definition in enumerate(module.types):
        members = len(definition.group.members)
        rec = (
            f" (rec {index - definition.index}..{index - definition.index + members - 1})"
            if members > 1
            else ""
        )
        yield f"(type {index} {_definition(module, definition)}){rec}"


def _definition(module: ModuleData, definition: DefType) -> str:
    composite = _composite(module, definition.composite)
    supertype = definition.supertype
    if definition.final and supertype is None:
        return composite
    above = "" if supertype is None else f" {module.index_of(supertype)}"
    return f"(sub{' final' if definition.final else ''}{above} {composite})"


def _composite(module: ModuleData, composite: CompositeType) -> str:
    match composite:
        case FuncType():
            return f"(func{signature_text(module, composite)})"
        case ArrayType(element):
            return f"(array {_field(module, element)})"
        case _:
            return "".join(["(struct", *(f" (field {_field(module, f)})" for f in composite.fields), ")"])


def _field(module: ModuleData, member: FieldType) -> str:
    storage = type_text(module, member.storage)
    return f"(mut {storage})" if member.mutable else storage


def extern_text(module: ModuleData, described: ExternType) -> str:
    """What an import or definition is, without its keyword."""
    match described:
        case DefType():
            return signature_text(module, described.func).strip()
        case TableType(element, limits):
            return f"{_limits(limits)} {type_text(module, element)}"
        case MemoryType(limits, shared, bits):
            pages = "" if 1 << bits == PAGE_SIZE else f" (pagesize {1 << bits})"
            return _limits(limits) + (" shared" if shared else "") + pages
        case TagType(definition):
            return signature_text(module, definition.func).strip()
        case GlobalType(content, mutable):
            text = type_text(module, content)
            return f"(mut {text})" if mutable else text


def _limits(limits: Limits) -> str:
    sizes = str(limits.minimum) if limits.maximum is None else f"{limits.minimum} {limits.maximum}"
    return sizes if limits.address is ValType.I32 else f"{limits.address} {sizes}"
