"""Restricted Python to machine code through Numba; run in a process of its own, once for each artefact.

    python -m vm.native.restricted FILE

Every kernel function is compiled with the signature it is marked with, callees first (Numba would otherwise
compile one for each constant it is called with), and put in the place of the Python function. What Numba
makes of the entry points goes through the engine's own pipeline into an object file, which needs no Python.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from vm.module.kernel import walk
from vm.module.kernel.restricted import Work, marked
from vm.native.pipeline import emit_object

ENTRIES = ("check_body", "check_bodies")
"""What the object file exports, callees first: functions of the arrays of ``Work``, then of numbers."""

_LEVEL = 2
_FAULT = -1
"""What an entry returns when Numba's own checks fail: an index outside a constant table."""


def build() -> bytes:
    """The kernel as an object file with the functions ``ENTRIES``."""
    compiler = _Compiler()
    compiled = [compiler.compile(name) for name in ENTRIES]
    return emit_object(_text(compiled), _LEVEL)


class _Compiler:
    def __init__(self) -> None:
        from numba import types

        cells = types.CPointer(types.int64)
        fields = (types.CPointer(types.uint8), *[cells] * (len(Work._fields) - 1))
        self._types = {"w": types.NamedTuple(fields, Work), "i": types.int64}
        self._sources = {function.__name__: (function, signature) for function, signature in marked()}
        package = walk.__name__.rpartition(".")[0]
        self._modules = [module for name, module in sys.modules.items() if name.startswith(package)]
        self._done: dict[str, Any] = {}

    def compile(self, name: str) -> Any:
        """Compile a kernel function, after those it calls; gives Numba's dispatcher."""
        from numba import njit

        if name in self._done:
            return self._done[name]
        function, signature = self._sources[name]
        for callee in function.__code__.co_names:
            if callee in self._sources:
                self.compile(callee)
        params, result = signature.split(":")
        signed = self._types[result](*[self._types[letter] for letter in params])
        compiled = njit(signed, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)
        self._done[name] = compiled
        for module in self._modules:
            if getattr(module, name, None) is function:
                setattr(module, name, compiled)
        return compiled


def _text(compiled: list[Any]) -> str:
    """The IR of the last function, which holds all the others, and the entries in C's calling convention."""
    overloads = [next(iter(dispatcher.overloads.values())) for dispatcher in compiled]
    whole = overloads[-1].library.get_llvm_str()
    kept = [line for line in whole.splitlines() if not line.startswith(("target ", "source_"))]
    entries = (_entry(name, made) for name, made in zip(ENTRIES, overloads, strict=True))
    return "\n".join([*kept, *entries])


def _entry(name: str, made: Any) -> str:
    pointers = len(Work._fields)
    numbers = len(made.signature.args) - 1
    types = ["ptr"] * pointers + ["i64"] * numbers
    params = ", ".join(f"{type} %p{i}" for i, type in enumerate(types))
    return f"""define i64 @{name}({params}) {{
  %result = alloca i64
  %error = alloca ptr
  %status = call i32 @"{made.fndesc.llvm_func_name}"(ptr %result, ptr %error, {params})
  %value = load i64, ptr %result
  %good = icmp eq i32 %status, 0
  %answer = select i1 %good, i64 %value, i64 {_FAULT}
  ret i64 %answer
}}
"""


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(build())
