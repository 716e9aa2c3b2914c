"""How compiled functions call each other, in LLVM's terms.

    T @f(ptr context, arguments...)

All of them have LLVM's convention ``tailcc``, in which a call can take the place of its caller. Parameters
and results travel in registers as far as there are any, and never on the native stack: then every frame looks
alike, whatever function a tail call puts in it, and a trace finds each return address where it belongs. (LLVM
22 also forgets the stack's arguments of a ``musttail`` call between functions of different types.) What finds
no register is handed over in words of the store's state, ``STATE_PASSED``: arguments from just before the
call to the first lines of the callee, results from the callee's return to just behind the call.

References of all types are i64, so a function can be called as any type that its own extends.
"""

from __future__ import annotations

from vm.isa.emit import LLVM_TYPES
from vm.isa.types import FuncType, ValueType
from vm.memory.native import WORD
from vm.once import once
from vm.records import Record
from vm.runtime.layout import STATE_MACHINE, STATE_MACHINE_SIZE, STATE_PASSED
from vm.runtime.words import offsets
from vm.tiers.llvm.registers import parameters_in_registers, results_are_passed
from vm.typed import Sequence

CONVENTION = "tailcc"
"""LLVM's name of the calling convention."""

_LETTERS = {"i32": "i", "i64": "l", "float": "f", "double": "d"}
"""Of IR types in symbols; a vector's is v."""


def type_symbol(index: int) -> str:
    """The symbol whose address is the number (``DefType.id``) of the module's type ``index``."""
    return f"type{index}"


class Signature(Record, frozen=True):
    """How functions of ``type`` are called: which parameters, by number, go in registers and which are
    passed; ``result`` is the IR return type, void too where results are passed.
    """

    type: FuncType
    in_registers: tuple[int, ...]
    passed: tuple[int, ...]
    result: str
    passes_results: bool

    @property
    def passed_types(self) -> list[ValueType]:
        """The types of the parameters that are passed."""
        return [self.type.params[i] for i in self.passed]

    @property
    def parameters(self) -> str:
        """The parameters behind the context, as ``%p`` and their number, each with a comma in front."""
        return self.arguments([f"%p{i}" for i in range(len(self.type.params))])

    def arguments(self, values: Sequence[str]) -> str:
        """What goes in registers of ``values``, one for each parameter, each with a comma in front."""
        return "".join(f", {LLVM_TYPES[self.type.params[i]]} {values[i]}" for i in self.in_registers)


@once
def signature(type: FuncType) -> Signature:
    """How functions of ``type`` are called."""
    in_registers = tuple(parameters_in_registers(type))
    passed = tuple(i for i in range(len(type.params)) if i not in set(in_registers))
    passes_results = results_are_passed(type)
    parts = [] if passes_results else [LLVM_TYPES[result] for result in type.results]
    result = f"{{ {', '.join(parts)} }}" if len(parts) > 1 else parts[0] if parts else "void"
    return Signature(type, in_registers, passed, result, passes_results)


def passing(state: str, name: str) -> list[str]:
    """Lines that make ``%name`` the address of the words that are passed."""
    return [
        f"  %{name}.field = getelementptr i8, ptr {state}, i64 {STATE_PASSED}",
        f"  %{name} = load ptr, ptr %{name}.field",
    ]


def word_loads(types: Sequence[ValueType], array: str, name: str) -> tuple[list[str], list[str]]:
    """Lines that load values from words at ``array``, and the values; ``name`` opens all names."""
    lines, values = [], []
    for i, (type, at) in enumerate(zip(types, offsets(types), strict=False)):
        place, value = f"%{name}.at{i}", f"%{name}.{i}"
        lines.append(f"  {place} = getelementptr i64, ptr {array}, i64 {at}")
        lines.append(f"  {value} = load {LLVM_TYPES[type]}, ptr {place}, align {_aligned(type)}")
        values.append(value)
    return lines, values


def word_stores(types: Sequence[ValueType], values: Sequence[str], array: str, name: str) -> list[str]:
    """Lines that store values as whole words, 0 where they end; ``name`` opens all names."""
    lines = []
    for i, (type, at, value) in enumerate(zip(types, offsets(types), values, strict=False)):
        place = f"%{name}.at{i}"
        lines.append(f"  {place} = getelementptr i64, ptr {array}, i64 {at}")
        if LLVM_TYPES[type] in ("i32", "float"):
            lines.append(f"  store i64 0, ptr {place}")
        lines.append(f"  store {LLVM_TYPES[type]} {value}, ptr {place}, align {_aligned(type)}")
    return lines


def returning(form: Signature, values: Sequence[str]) -> list[str]:
    """Lines that return values. Where results are passed is asked anew: a host may have made instances."""
    results = form.type.results
    if form.passes_results:
        return [*passing("%state", "back"), *word_stores(results, values, "%back", "back"), "  ret void"]
    if len(values) < 2:
        return [f"  ret {form.result} {values[0]}" if values else "  ret void"]
    lines, aggregate = [], "undef"
    for i, (part, value) in enumerate(zip(results, values, strict=True)):
        lines.append(f"  %a{i} = insertvalue {form.result} {aggregate}, {LLVM_TYPES[part]} {value}, {i}")
        aggregate = f"%a{i}"
    return [*lines, f"  ret {form.result} {aggregate}"]


def called_by_machine() -> list[str]:
    """Lines that make ``%in_place`` whether the code's caller is a thunk that the machine has called: then
    what is to be done in the code's place can be done by the machine.
    """
    return [
        "  %own = call ptr @llvm.frameaddress.p0(i32 0)",
        "  %caller = load ptr, ptr %own",
        "  %return_field = getelementptr i8, ptr %caller, i64 8",
        "  %return = load i64, ptr %return_field",
        f"  %machine_field = getelementptr i8, ptr %state, i64 {STATE_MACHINE}",
        "  %machine = load i64, ptr %machine_field",
        f"  %size_field = getelementptr i8, ptr %state, i64 {STATE_MACHINE_SIZE}",
        "  %size = load i64, ptr %size_field",
        "  %into = sub i64 %return, %machine",
        "  %in_place = icmp ult i64 %into, %size",
    ]


def resume_symbol(results: Sequence[ValueType]) -> str:
    """The name of the function that has the machine go on, and returns such results."""
    return "resume_" + "".join(_LETTERS.get(LLVM_TYPES[type], "v") for type in results)


def words_of(type: str) -> int:
    """How many words a value of an IR type takes (``vm.runtime.words``)."""
    return 2 if type.startswith("<") else 1


def _aligned(type: ValueType) -> int:
    """Words are aligned to their own size, so a vector is to no more."""
    return 4 if LLVM_TYPES[type] in ("i32", "float") else WORD
