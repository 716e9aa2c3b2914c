"""Instantiation in the specification's order (4.5.4): imports are matched before anything changes; then the
index spaces are filled, segments are copied, and the start function runs.

What active segments wrote before one of them trapped stays written, as the specification says.
"""

from __future__ import annotations

from vm.errors import LinkError
from vm.isa.matching import matches
from vm.isa.types import (
    PAGE_SIZE,
    DefType,
    ExternType,
    GlobalType,
    Limits,
    MemoryType,
    TableType,
    TagType,
    ValType,
)
from vm.memory.linear import LinearMemory
from vm.memory.native import WORD, packed
from vm.module.model import ConstExpr, Import, ModuleData
from vm.runtime.constants import evaluate
from vm.runtime.functions import Function
from vm.runtime.globals import Global
from vm.runtime.instance import Extern, Instance
from vm.runtime.layout import CONTEXT_INSTANCE, CONTEXT_STATE, RECORD_SIZE
from vm.runtime.references import define
from vm.runtime.store import Store
from vm.runtime.tables import Table
from vm.runtime.tags import Tag
from vm.typed import Sequence


def instantiate(store: Store, module: ModuleData, imports: Sequence[Extern]) -> Instance:
    """A new instance of a validated module; ``imports`` in the order of ``module.imports``.

    Raises ``LinkError`` when they do not fit; segments and start may raise ``Trap`` or a host's exception.
    """
    if len(imports) != len(module.imports):
        raise LinkError(f"the module has {len(module.imports)} imports, {len(imports)} were given")
    for wanted, given in zip(module.imports, imports, strict=True):
        if given.owner is not store and not (isinstance(given, LinearMemory) and given.type.shared):
            raise LinkError(f"{wanted.module!r} {wanted.name!r} was given an object of another store")
        _match(wanted, given)
    define(module.types)
    instance = Instance(store, module)
    _link_imports(instance, imports)
    _define_functions(instance)
    _define_state(instance)
    _fill_context(instance)
    store.runner.attach(instance)
    _copy_segments(instance)
    if module.start is not None:
        store.call(instance.functions[module.start], [])
    return instance


def _match(wanted: Import, given: Extern) -> None:
    found = extern_type(given)
    if not _fits(wanted.type, found):
        raise LinkError(
            f"incompatible import type: {wanted.module!r} {wanted.name!r} must be {describe(wanted.type)}, "
            f"got {describe(found)}"
        )


def extern_type(extern: Extern) -> ExternType:
    """The type of an object as an import would be matched against it: limits start at the present size."""
    if isinstance(extern, Table):
        return TableType(extern.type.element, extern.limits)
    if isinstance(extern, LinearMemory):
        return MemoryType(extern.limits, extern.type.shared, extern.type.page_bits)
    return extern.definition if isinstance(extern, Function) else extern.type


def describe(type: ExternType) -> str:
    """A type in words, for messages."""
    match type:
        case DefType():
            return f"a function {type.func}"
        case TableType(element, limits):
            return f"a table of {element} with {_bounds(limits)} elements"
        case MemoryType(limits, shared, bits):
            pages = "pages" if 1 << bits == PAGE_SIZE else f"pages of {1 << bits} bytes"
            return f"a {'shared ' if shared else ''}memory of {_bounds(limits)} {pages}"
        case TagType(definition):
            return f"a tag of type {definition.func}"
        case GlobalType(content, mutable):
            return f"a {'mutable' if mutable else 'constant'} global of {content}"


def _bounds(limits: Limits) -> str:
    bounds = f"{limits.minimum}.." + ("" if limits.maximum is None else str(limits.maximum))
    return bounds if limits.address is ValType.I32 else f"{bounds} ({limits.address})"


def _fits(wanted: ExternType, found: ExternType) -> bool:
    """Import matching (spec 3.2.7): limits may be narrower than asked for, what is only read a subtype."""
    if isinstance(wanted, DefType) and isinstance(found, DefType):
        return found.extends(wanted)
    if isinstance(wanted, GlobalType) and isinstance(found, GlobalType) and not wanted.mutable:
        return not found.mutable and matches(found.content, wanted.content)
    if isinstance(wanted, TableType) and isinstance(found, TableType):
        return wanted.element == found.element and _within(wanted.limits, found.limits)
    if isinstance(wanted, MemoryType) and isinstance(found, MemoryType):
        alike = wanted.shared is found.shared and wanted.page_bits == found.page_bits
        return alike and _within(wanted.limits, found.limits)
    return wanted == found


def _within(wanted: Limits, found: Limits) -> bool:
    if found.address is not wanted.address or found.minimum < wanted.minimum:
        return False
    return wanted.maximum is None or (found.maximum is not None and found.maximum <= wanted.maximum)


def _link_imports(instance: Instance, imports: Sequence[Extern]) -> None:
    for extern in imports:
        match extern:
            case Function(bind=None):
                instance.functions.append(extern)
            case Function(bind=bind) if bind is not None:
                bound = instance.store.host_function(extern.definition, bind(instance))
                bound.origin = extern
                instance.functions.append(bound)
            case Table():
                instance.tables.append(extern)
            case LinearMemory():
                if extern.type.shared:
                    instance.store.adopt(extern)
                instance.memories.append(extern)
            case Global():
                instance.globals.append(extern)
            case Tag():
                instance.tags.append(extern)


def _define_functions(instance: Instance) -> None:
    """Function objects and their records, written in one go: a program may define tens of thousands."""
    module, store = instance.module, instance.store
    record = instance.context.address + instance.layout.records
    words: list[int] = []
    for index in range(module.imported_functions, len(module.functions)):
        type_index = module.functions[index]
        words.extend((0, instance.context.address, module.types[type_index].id, len(store.functions), 0))
        function = Function(module.types[type_index], record, instance=instance, index=index, owner=store)
        store.functions.append(function)
        instance.functions.append(function)
        record += RECORD_SIZE
    start = instance.layout.records // WORD
    instance.context.words[start : start + len(words)] = packed(words)


def _define_state(instance: Instance) -> None:
    module, store, layout = instance.module, instance.store, instance.layout
    for type, init in zip(module.tables[module.imported_tables :], module.table_inits, strict=True):
        instance.tables.append(store.table(type, 0 if init is None else evaluate(instance, init)))
    instance.memories += [store.memory(type) for type in module.memories[module.imported_memories :]]
    instance.tags += [store.tag(type) for type in module.tags[module.imported_tags :]]
    for index, definition in enumerate(module.global_defs, module.imported_globals):
        cell = instance.context.address + layout.global_cell(index)
        value = evaluate(instance, definition.init)
        instance.globals.append(store.define_global(definition.type, cell, value))
    for segment in module.elements:
        instance.elements.append([_reference(instance, item) for item in segment.items])


def _reference(instance: Instance, item: int | ConstExpr) -> int:
    return instance.functions[item].record if isinstance(item, int) else evaluate(instance, item)


def _fill_context(instance: Instance) -> None:
    words, layout, module = instance.context.words, instance.layout, instance.module
    words[CONTEXT_STATE // WORD] = instance.store.state.address
    words[CONTEXT_INSTANCE // WORD] = instance.handle
    for index, memory in enumerate(instance.memories):
        words[layout.memory_pointer(index) // WORD] = memory.address
    for index in range(module.imported_functions):
        words[layout.function_pointer(index) // WORD] = instance.functions[index].record
    for index, table in enumerate(instance.tables):
        words[layout.table_pointer(index) // WORD] = table.record
    for index, tag in enumerate(instance.tags):
        words[layout.tag_pointer(index) // WORD] = tag.record
    for index in range(module.imported_globals):
        words[layout.global_pointer(index) // WORD] = instance.globals[index].cell


def _copy_segments(instance: Instance) -> None:
    for index, segment in enumerate(instance.module.elements):
        if segment.mode == "active" and segment.offset is not None:
            start = evaluate(instance, segment.offset)
            instance.table_init(index, segment.table, start, 0, len(segment.items))
        if segment.mode != "passive":
            instance.elem_drop(index)
    for index, data in enumerate(instance.module.data):
        if data.offset is not None:
            start = evaluate(instance, data.offset)
            instance.memory_init(index, data.memory, start, 0, data.end - data.start)
            instance.data_drop(index)
