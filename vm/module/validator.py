"""Validation of a module (spec chapter 3): the rules between its parts, then every body.

``validate`` checks everything; ``validate_function`` one body, for engines that look at code only when
it is first called. What goes for bodies and constant expressions stands in ``vm.module.body``.
"""

from __future__ import annotations

from vm.errors import ValidationError
from vm.isa.matching import matches
from vm.isa.types import PAGE_BITS, FuncType, Limits, MemoryType, RefType, ValType
from vm.module.limits import MAX_MEMORIES
from vm.module.model import ConstExpr, ElementSegment, ModuleData
from vm.module.subtypes import check_types
from vm.module.value_types import read_number
from vm.typed import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from vm.isa.types import ValueType
    from vm.module.body import FunctionInfo
    from vm.module.kernel.run import Kernel

MAX_ELEMENTS = {ValType.I32: 2**32 - 1, ValType.I64: 2**64 - 1}
"""Elements of the largest table, by the type of its indices (spec 3.2.16)."""

_TABLE_TOO_BIG = {
    ValType.I32: "table size must be at most 2^32-1",
    ValType.I64: "table size must be at most 2^64-1",
}


def validate(module: ModuleData, kernel: Kernel | None = None) -> None:
    """Check everything, with this form of the kernel (None: Python's). What is known of each body is not
    kept: it may be far bigger than the binary.
    """
    from vm.module.body import check_bodies
    from vm.module.kernel.run import PlainChecker

    validate_module(module)
    check_bodies(module, kernel or PlainChecker)
    module.validated = True


def validate_function(module: ModuleData, index: int, kernel: Kernel | None = None) -> FunctionInfo:
    """Check the body of function ``index`` (of the index space, so not an imported one).

    The rest of the module must have passed ``validate_module``.
    """
    from vm.module.body import check_body
    from vm.module.kernel.run import PlainChecker

    return check_body(module, index, kernel or PlainChecker)


def validate_module(module: ModuleData) -> None:
    """Check all but the bodies."""
    check_types(module.types)
    if max(module.functions, default=0) >= len(module.types):
        for at, index in enumerate(module.functions):
            _known(index, module.types, "type", f"function {at}")
    for index in set(module.functions):
        if not isinstance(module.types[index].composite, FuncType):
            raise ValidationError(
                "type mismatch", 0, f"a function is of type {index}, which is not a function type"
            )
    _check_limits(module)
    _check_tags(module)
    _check_tables(module)
    _check_globals(module)
    _check_exports(module)
    _check_start(module)
    for number, segment in enumerate(module.elements):
        _check_element(module, number, segment)
    for number, data in enumerate(module.data):
        if data.offset is not None:
            if data.memory >= len(module.memories):
                _known(data.memory, module.memories, "memory", f"data segment {number}", data.offset.start)
            _check_constant(module, data.offset, module.memories[data.memory].address, len(module.globals))


def _check_constant(module: ModuleData, expression: ConstExpr, wanted: ValueType, scope: int) -> None:
    if wanted is ValType.I32 and read_number(module.binary, expression.start) is not None:
        return
    from vm.module.body import check_constant  # with the rules for bodies, which it takes for all the others

    check_constant(module, expression, wanted, scope)


def _known(index: int, space: Sequence[object], what: str, where: str, at: int = 0) -> None:
    """Raise unless ``index`` names something in ``space``; offset 0 stands for the module as a whole."""
    if index >= len(space):
        raise ValidationError(f"unknown {what} {index}", at, f"{where}; there are {len(space)}")


def _check_limits(module: ModuleData) -> None:
    for table in module.tables:
        _check_range(table.limits, MAX_ELEMENTS[table.address], _TABLE_TOO_BIG[table.address])
    for memory in module.memories:
        if memory.shared and memory.limits.maximum is None:
            raise ValidationError("shared memory must have maximum", 0, str(memory))
        if memory.page_bits not in PAGE_BITS:
            raise ValidationError("invalid custom page size", 0, f"{1 << memory.page_bits}, not 1 or 65536")
        _check_range(memory.limits, memory.most_pages, _memory_too_big(memory))
    if len(module.memories) > MAX_MEMORIES:
        detail = f"{len(module.memories)}, at most {MAX_MEMORIES} are supported"
        raise ValidationError("too many memories", 0, detail)


def _memory_too_big(memory: MemoryType) -> str:
    most = memory.most_pages
    pages = f"{most} pages (4GiB)" if most == 1 << 16 else f"{most:#x} pages"
    return f"memory size must be at most {pages}"


def _check_tags(module: ModuleData) -> None:
    for number, tag in enumerate(module.tags):
        signature = tag.definition.composite
        if not isinstance(signature, FuncType):
            raise ValidationError("type mismatch", 0, f"tag {number}: ({signature}) is not a function type")
        if signature.results:
            raise ValidationError("non-empty tag result type", 0, f"tag {number} has type {signature}")


def _check_range(limits: Limits, most: int, message: str) -> None:
    if max(limits.minimum, limits.maximum or 0) > most:
        raise ValidationError(message, 0, str(limits))
    if limits.maximum is not None and limits.minimum > limits.maximum:
        detail = f"{limits.minimum} > {limits.maximum}"
        raise ValidationError("size minimum must not be greater than maximum", 0, detail)


def _check_tables(module: ModuleData) -> None:
    """Initialisers come before globals: they may read the imported ones."""
    for number, init in enumerate(module.table_inits, module.imported_tables):
        element = module.tables[number].element
        if init is not None:
            _check_constant(module, init, element, module.imported_globals)
        elif not element.defaultable:
            raise ValidationError("type mismatch", 0, f"table {number} of {element} needs an initialiser")


def _check_globals(module: ModuleData) -> None:
    """Each initialiser may read the globals before its own."""
    for number, definition in enumerate(module.global_defs, module.imported_globals):
        _check_constant(module, definition.init, definition.type.content, number)


def _check_exports(module: ModuleData) -> None:
    spaces: dict[str, tuple[Sequence[object], str]] = {
        "func": (module.functions, "function"),
        "table": (module.tables, "table"),
        "memory": (module.memories, "memory"),
        "global": (module.globals, "global"),
        "tag": (module.tags, "tag"),
    }
    seen = set()
    for export in module.exports:
        space, what = spaces[export.kind]
        _known(export.index, space, what, f"export {export.name!r}")
        if export.name in seen:
            raise ValidationError("duplicate export name", 0, repr(export.name))
        seen.add(export.name)


def _check_start(module: ModuleData) -> None:
    if module.start is None:
        return
    _known(module.start, module.functions, "function", "the start function")
    found = module.function_type(module.start)
    if found != FuncType():
        raise ValidationError(
            "start function", 0, f"function {module.start} has type {found}, [] -> [] was expected"
        )


def _check_element(module: ModuleData, number: int, segment: ElementSegment) -> None:
    where = f"element segment {number}"
    if segment.offset is not None:
        _known(segment.table, module.tables, "table", where, segment.offset.start)
        _check_constant(module, segment.offset, module.tables[segment.table].address, len(module.globals))
        element = module.tables[segment.table].element
        if not matches(segment.type, element):
            detail = f"{where} holds {segment.type}, table {segment.table} {element}"
            raise ValidationError("type mismatch", segment.offset.start, detail)
    for item in segment.items:
        if isinstance(item, ConstExpr):
            _check_constant(module, item, segment.type, len(module.globals))
        else:
            _known(item, module.functions, "function", where)
            found = RefType(module.types[module.functions[item]], False)
            if not matches(found, segment.type):
                raise ValidationError("type mismatch", 0, f"{where} holds {segment.type}, not {found}")
