"""A body's fault as the error that people see: the specification's wording, what was found and expected."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vm.errors import DecodeError, ValidationError, WasmError
from vm.isa.opcodes import Opcode
from vm.module.instructions import read
from vm.module.kernel import faults, layout
from vm.module.kernel.facts import Facts
from vm.module.kernel.words import ANYTHING
from vm.module.limits import MAX_LABELS, MAX_LOCALS, MAX_OPERANDS, MAX_TRY_DEPTH
from vm.module.reader import END_OF_SECTION
from vm.records import Record

_MISMATCH = "type mismatch"
_SPACES = {
    layout.TYPE_COUNT: "type",
    layout.FUNCTION_COUNT: "function",
    layout.TABLE_COUNT: "table",
    layout.MEMORY_COUNT: "memory",
    layout.GLOBAL_COUNT: "global",
    layout.ELEMENT_COUNT: "elem segment",
    layout.DATA_COUNT: "data segment",
    layout.TAG_COUNT: "tag",
}


class Fault(Record, frozen=True):
    """A fault: ``a`` and ``b`` are what the kernel noted with it; a constant expression has no function."""

    number: int
    a: int
    b: int
    offset: int
    function: int | None
    stack: Sequence[int]


def error(binary: bytes, facts: Facts, end: int, fault: Fault) -> WasmError:
    """What to raise for a fault of the body, or constant expression, that ends at ``end``.

    An instruction that is malformed itself comes first, as ``vm.module.instructions.read`` says it.
    """
    about = "the expression" if fault.function is None else f"function {fault.function}"
    if fault.number in _AROUND:
        kind, message, detail = _AROUND[fault.number](about, fault.a)
        return kind(message, fault.offset, detail)
    try:
        opcode, _, following = read(binary, fault.offset)
    except WasmError as malformed:
        return malformed
    if following > end:
        return DecodeError(END_OF_SECTION, fault.offset, f"{opcode} goes past the end of its body")
    if fault.number in _MISPLACED:
        message, detail = _MISPLACED[fault.number]
        return DecodeError(message, fault.offset, f"{opcode}: {detail}")
    message, detail = _INVALID[fault.number](_Context(facts, opcode, fault.a, fault.b, fault.stack))
    return ValidationError(message, fault.offset, f"{opcode}: {detail}", fault.function)


class _Context(Record, frozen=True):
    facts: Facts
    opcode: Opcode
    a: int
    b: int
    stack: Sequence[int]

    def type(self, word: int) -> str:
        """A type, as people write it."""
        return "a value" if word == ANYTHING else str(self.facts.type(word))


def _mismatch(detail: Callable[[_Context], str]) -> Callable[[_Context], tuple[str, str]]:
    return lambda c: (_MISMATCH, detail(c))


def _left_over(c: _Context) -> str:
    left = ("?" if word == ANYTHING else c.type(word) for word in c.stack[c.b : c.b + c.a])
    return f"the block leaves [{' '.join(left)}] beside its results"


def _wanted_found(c: _Context) -> str:
    return f"expected {c.type(c.a)}, found {c.type(c.b)}"


_AROUND: dict[int, Callable[[str, int], tuple[type[WasmError], str, str]]] = {
    faults.NO_END: lambda about, _: (DecodeError, END_OF_SECTION, f"{about} lacks its `end`"),
    faults.BEHIND_END: lambda about, count: (
        DecodeError,
        "END opcode expected",
        f"{count} bytes behind the last `end` of {about}",
    ),
    faults.TOO_MANY_LOCALS: lambda about, count: (
        ValidationError,
        "too many locals",
        f"{about} has {count}, at most {MAX_LOCALS} are supported",
    ),
}
"""Faults at no instruction: kind of error, message and detail."""

_MISPLACED = {
    faults.MALFORMED: ("malformed instruction", "its bytes do not follow the binary format"),
    faults.NO_IF: ("END opcode expected", "no `if` is open"),
    faults.NO_TRY: ("END opcode expected", "no `try` is open"),
    faults.NO_DATA_COUNT: ("data count section required", "the module has none"),
}
"""Faults that the specification counts as malformed."""

_INVALID: dict[int, Callable[[_Context], tuple[str, str]]] = {
    faults.UNKNOWN: lambda c: (f"unknown {_SPACES[c.a]} {c.b}", f"there are {c.facts.cells[c.a]}"),
    faults.EMPTY: _mismatch(lambda c: f"expected {c.type(c.a)}, but the block's stack is empty"),
    faults.MISMATCH: _mismatch(_wanted_found),
    faults.TOO_MANY_OPERANDS: lambda c: (
        "too many operands at once",
        f"{c.a}, at most {MAX_OPERANDS} are supported",
    ),
    faults.LEFT_OVER: _mismatch(_left_over),
    faults.UNKNOWN_LABEL: lambda c: (f"unknown label {c.a}", f"there are {c.b}"),
    faults.NOT_A_FUNCTION_TYPE: _mismatch(lambda c: f"type {c.a} is not a function type"),
    faults.ARM_LEAVES: _mismatch(lambda c: "the first arm leaves values beside its results"),
    faults.NO_ELSE: _mismatch(lambda c: "`if` without `else`, whose parameters are not its results"),
    faults.TOO_MANY_LABELS: lambda c: ("too many labels", f"{c.a}, at most {MAX_LABELS} are supported"),
    faults.LABEL_ARITY: _mismatch(lambda c: f"label {c.a} does not take {c.b} values, as the default"),
    faults.NOT_FUNCTIONS: _mismatch(lambda c: f"table {c.a} does not hold functions"),
    faults.NOT_A_REFERENCE: _mismatch(lambda c: f"expected a reference, found {c.type(c.a)}"),
    faults.TAIL_RESULTS: _mismatch(
        lambda c: f"{c.facts.definition(c.a)} does not give the results of its caller"
    ),
    faults.UNKNOWN_LOCAL: lambda c: (f"unknown local {c.a}", f"there are {c.b}"),
    faults.UNSET_LOCAL: lambda c: ("uninitialized local", f"local {c.a} has no value yet"),
    faults.IMMUTABLE_GLOBAL: lambda c: ("immutable global", f"global {c.a} cannot be set"),
    faults.SELECT_REFERENCES: _mismatch(lambda c: "references need the form of select that names their type"),
    faults.SELECT_DIFFERENT: _mismatch(_wanted_found),
    faults.SELECT_ARITY: lambda c: ("invalid result arity", f"{c.a} types, 1 was expected"),
    faults.ALIGNMENT: lambda c: (
        "alignment must not be larger than natural",
        f"{1 << c.a}, the access has {1 << c.b} bytes",
    ),
    faults.EXACT_ALIGNMENT: lambda c: ("atomic alignment must be natural", f"{1 << c.a}, not {1 << c.b}"),
    faults.OFFSET: lambda c: ("offset out of range", "addresses of this memory have 32 bits"),
    faults.NO_LANE: lambda c: ("invalid lane index", f"{c.a}, there are {c.b} lanes"),
    faults.TABLE_TYPES: _mismatch(_wanted_found),
    faults.UNDECLARED: lambda c: (
        "undeclared function reference",
        f"function {c.a} is in no export, global, table or element segment",
    ),
    faults.NOT_A_STRUCT: _mismatch(lambda c: f"type {c.a} is not a structure"),
    faults.NOT_AN_ARRAY: _mismatch(lambda c: f"type {c.a} is not an array"),
    faults.UNKNOWN_FIELD: lambda c: (f"unknown field {c.a}", f"there are {c.b}"),
    faults.IMMUTABLE_FIELD: lambda c: ("immutable field", f"field {c.a} cannot be changed"),
    faults.IMMUTABLE_ARRAY: lambda c: (
        "immutable array",
        f"elements of {c.facts.definition(c.a)} cannot be changed",
    ),
    faults.NOT_DEFAULTABLE: _mismatch(lambda c: f"{c.type(c.a)} has no default value"),
    faults.PACKED: _mismatch(lambda c: f"needs _s or _u for packed content, found {c.type(c.a)}"),
    faults.NOT_PACKED: _mismatch(lambda c: f"is only for packed content, found {c.type(c.a)}"),
    faults.NOT_NUMBERS: lambda c: ("array type is not numeric or vector", f"its elements are {c.type(c.a)}"),
    faults.ARRAY_TYPES: lambda c: (
        "array types do not match",
        f"{c.type(c.b)} cannot be copied into {c.type(c.a)}",
    ),
    faults.SEGMENT_TYPES: _mismatch(lambda c: f"the segment holds {c.type(c.b)}, the array {c.type(c.a)}"),
    faults.CAST_ACROSS: _mismatch(lambda c: f"{c.type(c.b)} can never be {c.type(c.a)}"),
    faults.NO_REFERENCE_LABEL: _mismatch(lambda c: f"label {c.a} does not end in a reference"),
    faults.NOT_CONSTANT: lambda c: ("constant expression required", "it is not constant"),
    faults.MUTABLE_GLOBAL: lambda c: ("constant expression required", f"global {c.a} is mutable"),
    faults.UNKNOWN_GLOBAL: lambda c: (f"unknown global {c.a}", f"{c.b} can be used here"),
    faults.LEFT_TO_ARM: _mismatch(lambda c: "the arm before it leaves values beside its results"),
    faults.TOO_MANY_TRIES: lambda c: (
        "too many nested handlers",
        f"at most {MAX_TRY_DEPTH} are supported",
    ),
    faults.NOT_CATCHING: lambda c: ("invalid rethrow label", f"label {c.a} is that of no catch block"),
    faults.CLAUSE_TYPES: _mismatch(lambda c: f"label {c.a} takes other values than the clause gives"),
}
"""Message and detail, by the fault's number."""

EXPLAINED = frozenset({*_AROUND, *_MISPLACED, *_INVALID})
"""Every fault that has words."""
