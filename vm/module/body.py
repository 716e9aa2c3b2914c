"""Validation of function bodies, which also yields what executors need to run them.

The rules stand in ``vm.module.kernel``; here its arrays become what the rest of the engine reads, and its
faults become errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vm.errors import ValidationError, WasmError
from vm.isa.opcodes import BY_NAME
from vm.isa.types import FuncType, ValueType
from vm.module.handlers import Branch, Catch, Handler
from vm.module.instructions import read
from vm.module.kernel import layout
from vm.module.kernel.errors import Fault, error
from vm.module.kernel.facts import Facts
from vm.module.kernel.restricted import Work
from vm.module.kernel.run import Checker, Kernel, PlainChecker
from vm.module.limits import MAX_BODY
from vm.module.model import ConstExpr, ModuleData
from vm.records import Record
from vm.typed import cast


class FunctionInfo(Record, frozen=True):
    """A validated body.

    ``locals`` are the types of parameters and locals; the frame is these slots, then ``max_stack``
    operand slots. ``side_table`` has one entry for ``if`` (taken when the condition is false), ``else``
    (taken when met after the first arm), ``br``, ``br_if`` and ``return`` each, and for ``br_table`` one
    per label with the default last; in the order in which the instructions stand in the code, unreachable
    ones included. The legacy ``catch`` and ``catch_all`` have one as ``else`` has. ``handlers`` are those
    of the body, inner ones first; ``kept_exceptions`` is how many slots they need behind the operands.
    """

    type: FuncType
    locals: tuple[ValueType, ...]
    max_stack: int
    side_table: tuple[Branch, ...]
    handlers: tuple[Handler, ...] = ()
    kept_exceptions: int = 0


def facts_of(module: ModuleData) -> Facts:
    """What the kernel reads of a module; made once."""
    if module.facts is None:
        module.facts = Facts(module, _declared(module))
    return module.facts


def check_constant(module: ModuleData, expression: ConstExpr, wanted: ValueType, scope: int) -> None:
    """Raise ``ValidationError`` unless the expression is constant and gives one ``wanted``.

    It may read immutable globals with an index below ``scope``.
    """
    start, end = expression.start, expression.end
    facts = facts_of(module)
    checker = PlainChecker(module.binary, facts, _room(start, end))
    if checker.check_constant(facts.word(wanted), start, end, scope):
        raise _error(module, checker, end, None)


WORTHWHILE = 1 << 12
"""Bytes of code from which on looking for the kernel's native form, 3 ms, costs less than it saves."""


def check_body(module: ModuleData, index: int, kernel: Kernel) -> FunctionInfo:
    """Check the body of function ``index`` of the index space; raises what is wrong with it."""
    return _info(module, index, _checked(module, index, kernel))


def check_only(module: ModuleData, index: int, kernel: Kernel) -> None:
    """As ``check_body``, for who does not want to know what follows from it."""
    _checked(module, index, kernel)


def _checked(module: ModuleData, index: int, kernel: Kernel) -> Work:
    number = index - module.imported_functions
    start, end = module.bodies.extents[number]
    checker = kernel(module.binary, facts_of(module), _room(start, end))
    if checker.check_body(index, start, end):
        raise _error(module, checker, end, index)
    return checker.work


def operand_types(module: ModuleData, index: int, offset: int) -> list[ValueType | None]:
    """The types of the operands in front of the instruction at ``offset`` in a valid body (None: made up by
    code that cannot be reached): a check that stops there.
    """
    facts = facts_of(module)
    start, end = module.bodies.extents[index - module.imported_functions]
    checker = PlainChecker(module.binary, facts, end - start)
    checker.check_body(index, start, offset)
    words = checker.work.stack[: checker.work.state[layout.OPERANDS]]
    return [cast("ValueType | None", facts.type(word)) for word in words]


def check_bodies(module: ModuleData, kernel: Kernel) -> None:
    """Check them all, in order, as ``check_body`` does; what is known of them is not kept."""
    extents, first = module.bodies.extents, module.imported_functions
    room = max((_room(start, end) for start, end in extents), default=0)
    checker = kernel(module.binary, facts_of(module), room, [at for extent in extents for at in extent])
    good = checker.check_bodies(first, len(extents))
    if good < len(extents):
        raise _error(module, checker, extents[good][1], first + good)


def _room(start: int, end: int) -> int:
    """The bytes of a body; raises if there are more than working memory is made for."""
    if end - start > MAX_BODY:
        raise ValidationError(
            "function body too large", start, f"{end - start} bytes, at most {MAX_BODY} are supported"
        )
    return end - start


def _error(module: ModuleData, checker: Checker, end: int, function: int | None) -> WasmError:
    if function is not None:
        module.bodies[function - module.imported_functions]  # raises what is wrong with its locals
    number, a, b, offset = checker.work.state[layout.FAULT : layout.FAULT_AT + 1]
    return error(
        module.binary, facts_of(module), end, Fault(number, a, b, offset, function, checker.work.stack)
    )


def _declared(module: ModuleData) -> Iterator[int]:
    """Functions named outside bodies (spec 3.5.17, ``refs``): by exports, globals, tables, segments."""
    yield from (export.index for export in module.exports if export.kind == "func")
    expressions = [definition.init for definition in module.global_defs]
    expressions += [init for init in module.table_inits if init is not None]
    for segment in module.elements:
        for item in segment.items:
            if isinstance(item, ConstExpr):
                expressions.append(item)
            else:
                yield item
    for expression in expressions:
        yield from _named_functions(module, expression)


def _named_functions(module: ModuleData, expression: ConstExpr) -> Iterator[int]:
    at = expression.start
    while at < expression.end:
        opcode, immediates, at = read(module.binary, at)
        if opcode is BY_NAME["ref.func"]:
            yield immediates[0]


def _info(module: ModuleData, index: int, w: Work) -> FunctionInfo:
    signature = module.function_type(index)
    locals = list(signature.params)
    for number, kind in module.bodies[index - module.imported_functions].locals:
        locals += [kind] * number
    return FunctionInfo(
        signature,
        tuple(locals),
        w.state[layout.MOST_OPERANDS],
        tuple(_branch(w, entry) for entry in range(w.state[layout.ENTRIES])),
        _handlers(w) if w.state[layout.HANDLERS] else (),
        w.state[layout.KEPT_EXCEPTIONS],
    )


def _branch(w: Work, entry: int) -> Branch:
    at = layout.ENTRY_CELLS * entry
    return Branch(*w.table[at : at + layout.ENTRY_CELLS])


def _handlers(w: Work) -> tuple[Handler, ...]:
    """The handlers in the order of their ends, which the clauses and handlers around them are put into."""
    records = list(_records(w.handlers, layout.HANDLER_CELLS, w.state[layout.HANDLERS]))
    found = [Handler(cells[layout.HANDLER_START], cells[layout.HANDLER_END], [], None) for cells in records]
    for handler, cells in zip(found, records, strict=True):
        outer = cells[layout.HANDLER_OUTER]
        handler.outer = found[outer - 1] if outer else None
    for clause in _records(w.clauses, layout.CLAUSE_CELLS, w.state[layout.CLAUSES]):
        found[clause[layout.CLAUSE_HANDLER]].clauses.append(_catch(clause))
    places = [record[layout.HANDLER_PLACE] for record in records]
    return tuple(handler for _, handler in sorted(zip(places, found, strict=True), key=lambda pair: pair[0]))


def _records(cells: Sequence[int], size: int, count: int) -> Iterator[Sequence[int]]:
    return (cells[at : at + size] for at in range(0, size * count, size))


def _catch(clause: Sequence[int]) -> Catch:
    tag, kept = clause[layout.CLAUSE_TAG], clause[layout.CLAUSE_KEPT]
    branch = Branch(clause[layout.CLAUSE_TARGET], clause[layout.CLAUSE_COUNT], 0, clause[layout.CLAUSE_ENTRY])
    return Catch(
        None if tag < 0 else tag,
        bool(clause[layout.CLAUSE_WITH_REF]),
        clause[layout.CLAUSE_BASE],
        branch,
        None if kept < 0 else kept,
    )
