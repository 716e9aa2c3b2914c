"""The code between arrays of words and compiled functions, one pair of functions a type.

invoke_T(code, ctx, slots)      words -> arguments of type T, call, results -> words
relay_T(code, ctx, slots)       the same, where the collector looks into the words itself
loop_T(code, ctx, slots)        runs the code of a loop (``vm.tiers.llvm.loops``) in a frame of the machine
host_T(host ctx, arguments)     the code of a host function of type T
lend_T(record, ctx, arguments)  runs a function of type T that has code for the threaded machine alone

Who calls through a record hands it over, too, in the register that LLVM calls ``nest``: so one ``lend_T``
does for all functions of a type, and others take no notice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from vm.gc.record import ROOT_TOP
from vm.isa.emit import LLVM_TYPES, TracedType
from vm.isa.types import FuncType, ValueType
from vm.jit import library
from vm.memory.native import WORD
from vm.native import arena
from vm.native.code import Code, Costs, place
from vm.native.glue import THREW, Glue
from vm.native.glue_text import FRAMES, field
from vm.native.walking import SLACK
from vm.runtime.layout import (
    HOST_CALLBACK,
    STATE_CONTROL,
    STATE_FRAMES,
    STATE_HEAP,
    STATE_TAIL,
)
from vm.runtime.words import offsets
from vm.tiers.llvm.abi import (
    CONVENTION,
    called_by_machine,
    passing,
    returning,
    signature,
    word_loads,
    word_stores,
)


def _invoke_ir(type: FuncType, name: str = "invoke", *, rooted: bool = True) -> str:
    """``invoke_T``: words in, words out (in the same array); with ``rooted``, references among the results
    are on the root stack, too.
    """
    form, count = signature(type), len(type.results)
    loads, given = word_loads(type.params, "%slots", "given")
    lines = [f"define void @{name}_T(ptr %code, ptr %ctx, ptr %slots) #0 {{", *loads]
    lines.append("  %state = load ptr, ptr %ctx")
    if form.passed or form.passes_results:
        lines += passing("%state", "passed")
    lines += word_stores(form.passed_types, [given[i] for i in form.passed], "%passed", "over")
    call = f"call {CONVENTION} {form.result} %code(ptr %ctx{form.arguments(given)})"
    lines.append(f"  {call}" if form.result == "void" else f"  %r = {call}")
    values = ["%r"][:count]
    if form.passes_results:
        loads, values = word_loads(type.results, "%passed", "back")
        lines += loads
    elif count > 1:
        values = [f"%r{i}" for i in range(count)]
        lines += [f"  %r{i} = extractvalue {form.result} %r, {i}" for i in range(count)]
    lines += word_stores(type.results, values, "%slots", "result")
    if rooted:
        lines += _push_roots(_traced(type.results, values))
    return "\n".join([*lines, "  ret void", "}\n"])


def _traced(types: Sequence[ValueType], values: Sequence[str]) -> list[str]:
    """Those of the values that the collector must see."""
    return [
        value for value, type in zip(values, types, strict=True) if isinstance(LLVM_TYPES[type], TracedType)
    ]


def _push_roots(references: Sequence[str]) -> list[str]:
    """Put references on the root stack: Python takes them from where the collector does not look."""
    if not references:
        return []
    lines = [
        field("heap_field", "state", STATE_HEAP) + "  %heap = load ptr, ptr %heap_field",
        field("root_top", "heap", ROOT_TOP) + "  %roots = load ptr, ptr %root_top",
    ]
    for number, reference in enumerate(references):
        lines.append(f"  %root{number} = getelementptr i64, ptr %roots, i64 {number}")
        lines.append(f"  store i64 {reference}, ptr %root{number}")
    lines.append(f"  %new_top = getelementptr i64, ptr %roots, i64 {len(references)}")
    return [*lines, "  store ptr %new_top, ptr %root_top"]


def _host_ir(type: FuncType) -> str:
    """``host_T``: it gets a host context (``vm.runtime.layout``). Word 0 is the answer, values follow."""
    form, params, results = signature(type), type.params, type.results
    words = max(offsets(params)[-1], offsets(results)[-1])
    over, arrived = word_loads(form.passed_types, "%passed", "over")
    arrivals = dict(zip(form.passed, arrived, strict=True))
    values = [arrivals.get(i, f"%p{i}") for i in range(len(params))]
    loads, returned = word_loads(results, "%slots", "result")
    traced = _traced(params, values)
    lines = [
        f"define {CONVENTION} {form.result} @host_T(ptr %ctx{form.parameters}) #0 {{",
        f"  %answer = alloca [{1 + words} x i64]",
        "  store i64 0, ptr %answer",
        "  %slots = getelementptr i64, ptr %answer, i64 1",
        "  %state = load ptr, ptr %ctx",
        *(passing("%state", "passed") if form.passed else []),
        *over,
        *word_stores(params, values, "%slots", "given"),
        field("callback_field", "ctx", HOST_CALLBACK) + "  %callback = load ptr, ptr %callback_field",
        *_push_roots(traced),
        "  call void %callback(ptr %ctx, ptr %answer)",
        *(["  store ptr %roots, ptr %root_top"] if traced else []),
        "  %answered = load i64, ptr %answer",
        f"  switch i64 %answered, label %unwind [ i64 1, label %done i64 {THREW}, label %threw ]",
        "threw:",
        "  call void @throw_on(ptr %state)",
        "  unreachable",
        "unwind:",
        "  call void @unwind(ptr %state)",
        "  unreachable",
        "done:",
        *loads,
        *returning(form, returned),
    ]
    return "\n".join([*lines, "}\n"])


def _lend_ir(type: FuncType) -> str:
    """``lend_T``: interprets the record's code on a copy of the arguments.

    Where it is itself called by a tail call of a function that the machine has called, and nobody is in
    between, the machine gets the record and the arguments instead, and goes on with them: else functions of
    either kind that call each other by tail calls would use up the stack.
    """
    form, params, results = signature(type), type.params, type.results
    bytes_ = WORD * offsets(params)[-1]
    words = max(offsets(params)[-1], offsets(results)[-1])
    over, arrived = word_loads(form.passed_types, "%passed", "over")
    arrivals = dict(zip(form.passed, arrived, strict=True))
    values = [arrivals.get(i, f"%p{i}") for i in range(len(params))]
    loads, returned = word_loads(results, "%slots", "result")
    lines = [
        f"define {CONVENTION} {form.result} @lend_T(ptr nest %record, ptr %ctx{form.parameters}) #0 {{",
        f"  %slots = alloca [{max(words, 1)} x i64]",
        "  %state = load ptr, ptr %ctx",
        *(passing("%state", "passed") if form.passed else []),
        *over,
        *word_stores(params, values, "%slots", "given"),
        *called_by_machine(),
        field("end_field", "state", STATE_FRAMES) + "  %end = load ptr, ptr %end_field",
        field("control_field", "state", STATE_CONTROL) + "  %control = load ptr, ptr %control_field",
        f"  %least = getelementptr i8, ptr %control, i64 -{SLACK + words * WORD}",
        "  %fits = icmp ule ptr %end, %least",
        "  %hand_over = and i1 %in_place, %fits",
        "  br i1 %hand_over, label %back, label %run",
        "back:",
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %end, ptr %slots, i64 {bytes_}, i1 false)",
        field("tail_field", "state", STATE_TAIL) + "  store ptr %record, ptr %tail_field",
        "  ret void" if form.result == "void" else f"  ret {form.result} zeroinitializer",
        "run:",
        "  %code = load ptr, ptr %record",
        "  call void @interpret(ptr %code, ptr %ctx, ptr %slots)",
        *loads,
        *returning(form, returned),
    ]
    return "\n".join([*lines, "}\n"])


_DECLARATIONS = (
    FRAMES
    + """\
declare void @unwind(ptr) cold noreturn nounwind
declare void @throw_on(ptr) cold noreturn nounwind
"""
)

_LOOP_IR = """\
define void @loop_T(ptr %code, ptr %ctx, ptr %slots) #0 {
  notail call void %code(ptr %ctx, ptr %slots)
  ret void
}
"""

_LENDING = (
    FRAMES
    + """\
declare void @interpret(ptr, ptr, ptr)
declare ptr @llvm.frameaddress.p0(i32)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""
)


NOTHING = FuncType((), ())
"""What ``loop`` is known by."""

_TEXTS: dict[str, Callable[[FuncType], str]] = {
    "invoke": lambda type: FRAMES + _invoke_ir(type),
    "relay": lambda type: FRAMES + _invoke_ir(type, "relay", rooted=False),
    "loop": lambda _: FRAMES + _LOOP_IR,
    "host": lambda type: _DECLARATIONS + _host_ir(type),
    "lend": lambda type: _LENDING + _lend_ir(type),
}

_LEVEL = 1


class Thunks:
    """The process's thunks, compiled when a type first needs one. ``interpret`` is the machine's address, for
    those that need it.
    """

    def __init__(self, glue: Glue, costs: Costs, interpret: int = 0) -> None:
        self._externals = {**glue.externals, "interpret": interpret}
        self._costs = costs
        self._lock = threading.Lock()
        self._codes: list[Code] = []
        self._known: dict[tuple[str, FuncType], int] = {}

    def invoke(self, type: FuncType) -> int:
        """The address of ``invoke_T``."""
        return self._find("invoke", type)

    def relay(self, type: FuncType) -> int:
        """The address of ``relay_T``."""
        return self._find("relay", type)

    def loop(self) -> int:
        """The address of ``loop_T``, which is the same for all types."""
        return self._find("loop", NOTHING)

    def lend(self, type: FuncType) -> int:
        """The address of ``lend_T``."""
        return self._find("lend", type)

    def host(self, type: FuncType) -> int:
        """The address of ``host_T``."""
        return self._find("host", type)

    def _find(self, kind: str, type: FuncType) -> int:
        return self._known.get((kind, type)) or self._make(kind, type)

    def _make(self, kind: str, type: FuncType) -> int:
        with self._lock:
            if (kind, type) not in self._known:
                binary = library.obtain_text(_TEXTS[kind](type), _LEVEL, self._costs)
                code = place(binary, arena.glue(), self._externals, self._costs)
                self._codes.append(code)
                self._known[kind, type] = code.symbols[f"{kind}_T"]
            return self._known[kind, type]


def keep(wanted: Iterable[tuple[str, FuncType]]) -> None:
    """Have thunks, by kind and type, on disk before the program wants them: there, LLVM would have to be
    loaded for them.
    """
    for kind, type in dict.fromkeys(wanted):
        if (kind, type) not in _kept:
            library.keep_text(_TEXTS[kind](type), _LEVEL)
            _kept.add((kind, type))


_kept: set[tuple[str, FuncType]] = set()
