"""The code between arrays of words and compiled functions, one pair of functions a type.

invoke_T(code, ctx, slots)      words -> arguments of type T, call, results -> words
host_T(host ctx, arguments)     the code of a host function of type T
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from vm.gc.record import ROOT_TOP
from vm.isa.emit import LLVM_TYPES, TracedType
from vm.isa.types import FuncType, ValueType
from vm.jit import library
from vm.native import arena
from vm.native.code import Code, Costs, place
from vm.native.glue import FRAMES, THREW, Glue, field
from vm.runtime.layout import HOST_CALLBACK, STATE_HEAP
from vm.runtime.words import offsets
from vm.tiers.llvm.abi import CONVENTION, Signature, passing, signature, word_loads, word_stores


def _invoke_ir(type: FuncType) -> str:
    """``invoke_T``: words in, words out (in the same array)."""
    form, count = signature(type), len(type.results)
    loads, given = word_loads(type.params, "%slots", "given")
    lines = ["define void @invoke_T(ptr %code, ptr %ctx, ptr %slots) #0 {", *loads]
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
    return "\n".join([*lines, *_push_roots(_traced(type.results, values)), "  ret void", "}\n"])


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
        *_host_return(form, returned),
    ]
    return "\n".join([*lines, "}\n"])


def _host_return(form: Signature, values: Sequence[str]) -> list[str]:
    """The end of ``host_T``. Where results are passed is asked anew: the host may have made instances."""
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


_DECLARATIONS = (
    FRAMES
    + """\
declare void @unwind(ptr) cold noreturn nounwind
declare void @throw_on(ptr) cold noreturn nounwind
"""
)


class Thunks:
    """The process's thunks, compiled when a type first needs one."""

    def __init__(self, glue: Glue, costs: Costs) -> None:
        self._glue = glue
        self._costs = costs
        self._lock = threading.Lock()
        self._codes: list[Code] = []
        self._invoke: dict[FuncType, int] = {}
        self._host: dict[FuncType, int] = {}

    def invoke(self, type: FuncType) -> int:
        """The address of ``invoke_T``."""
        return self._invoke.get(type) or self._make(type, self._invoke, "invoke", FRAMES + _invoke_ir(type))

    def host(self, type: FuncType) -> int:
        """The address of ``host_T``."""
        return self._host.get(type) or self._make(type, self._host, "host", _DECLARATIONS + _host_ir(type))

    def _make(self, type: FuncType, known: dict[FuncType, int], prefix: str, ir: str) -> int:
        with self._lock:
            if type not in known:
                binary = library.obtain_text(ir, 1, self._costs)
                code = place(binary, arena.glue(), self._glue.externals, self._costs)
                self._codes.append(code)
                known[type] = code.symbols[f"{prefix}_T"]
            return known[type]
