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
from vm.memory.native import WORD
from vm.native import arena
from vm.native.code import Code, Costs, build
from vm.native.glue import FRAMES, THREW, Glue, field
from vm.runtime.layout import CONTEXT_STATE, STATE_HEAP, STATE_HOST_CALL
from vm.runtime.words import offsets
from vm.tiers.llvm.text import result_type


def _loads(types: Sequence[ValueType], array: str) -> list[str]:
    lines = []
    for i, (type, at) in enumerate(zip(types, offsets(types), strict=False)):
        lines.append(f"  %w{i} = getelementptr i64, ptr %{array}, i64 {at}")
        lines.append(f"  %x{i} = load {LLVM_TYPES[type]}, ptr %w{i}, align {_aligned(type)}")
    return lines


def _stores(types: Sequence[ValueType], prefix: str, array: str) -> list[str]:
    """Whole words: what a value does not fill is 0."""
    lines = []
    for i, (type, at) in enumerate(zip(types, offsets(types), strict=False)):
        lines.append(f"  %y{i} = getelementptr i64, ptr %{array}, i64 {at}")
        if LLVM_TYPES[type] in ("i32", "float"):
            lines.append(f"  store i64 0, ptr %y{i}")
        lines.append(f"  store {LLVM_TYPES[type]} {prefix}{i}, ptr %y{i}, align {_aligned(type)}")
    return lines


def _aligned(type: ValueType) -> int:
    """Words are aligned to their own size, so a vector is to no more."""
    return 4 if LLVM_TYPES[type] in ("i32", "float") else WORD


def _invoke_ir(type: FuncType) -> str:
    """``invoke_T``: words in, words out (in the same array)."""
    result, count = result_type(type), len(type.results)
    lines = ["define void @invoke_T(ptr %code, ptr %ctx, ptr %slots) #0 {"]
    lines += _loads(type.params, "slots")
    arguments = "".join(f", {LLVM_TYPES[t]} %x{i}" for i, t in enumerate(type.params))
    call = f"call fastcc {result} %code(ptr %ctx{arguments})"
    lines.append(f"  {'' if not count else '%r0 = ' if count == 1 else '%r = '}{call}")
    if count > 1:
        lines += [f"  %r{i} = extractvalue {result} %r, {i}" for i in range(count)]
    lines += _stores(type.results, "%r", "slots")
    results = [f"%r{i}" for i, kind in enumerate(type.results) if isinstance(LLVM_TYPES[kind], TracedType)]
    if results:
        lines += [field("state_field", "ctx", CONTEXT_STATE) + "  %state = load ptr, ptr %state_field"]
    return "\n".join([*lines, *_push_roots(results), "  ret void", "}\n"])


def _push_roots(references: Sequence[str]) -> list[str]:
    """Put references on the root stack: Python takes them from where the collector does not look."""
    if not references:
        return []
    lines = [
        field("heap_field", "state", STATE_HEAP) + "  %heap = load ptr, ptr %heap_field",
        field("root_top", "heap", ROOT_TOP) + "  %roots = load ptr, ptr %root_top",
    ]
    for place, reference in enumerate(references):
        lines.append(f"  %root{place} = getelementptr i64, ptr %roots, i64 {place}")
        lines.append(f"  store i64 {reference}, ptr %root{place}")
    lines.append(f"  %new_top = getelementptr i64, ptr %roots, i64 {len(references)}")
    return [*lines, "  store ptr %new_top, ptr %root_top"]


def _host_ir(type: FuncType) -> str:
    """``host_T``: its context is the state and the function's handle. Word 0 is the answer, values follow."""
    params, results = type.params, type.results
    result, words = result_type(type), max(offsets(params)[-1], offsets(results)[-1])
    traced = [f"%p{i}" for i, kind in enumerate(params) if isinstance(LLVM_TYPES[kind], TracedType)]
    parameters = "".join(f", {LLVM_TYPES[t]} %p{i}" for i, t in enumerate(params))
    lines = [
        f"define fastcc {result} @host_T(ptr %ctx{parameters}) #0 {{",
        f"  %answer = alloca [{1 + words} x i64]",
        "  store i64 0, ptr %answer",
        "  %slots = getelementptr i64, ptr %answer, i64 1",
        *_stores(params, "%p", "slots"),
        "  %state = load ptr, ptr %ctx",
        field("handle_field", "ctx", 8) + "  %handle = load i64, ptr %handle_field",
        field("callback_field", "state", STATE_HOST_CALL) + "  %callback = load ptr, ptr %callback_field",
        *_push_roots(traced),
        "  call void %callback(i64 %handle, ptr %answer)",
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
        *_loads(results, "slots"),
    ]
    if len(results) > 1:
        value = "undef"
        for i, t in enumerate(results):
            lines.append(f"  %a{i} = insertvalue {result} {value}, {LLVM_TYPES[t]} %x{i}, {i}")
            value = f"%a{i}"
        lines.append(f"  ret {result} {value}")
    else:
        lines.append(f"  ret {result} %x0" if results else "  ret void")
    return "\n".join([*lines, "}\n"])


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
                code = build(ir, 1, arena.glue(), self._glue.externals, self._costs)
                self._codes.append(code)
                known[type] = code.symbols[f"{prefix}_T"]
            return known[type]
