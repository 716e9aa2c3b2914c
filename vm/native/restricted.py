"""Restricted Python to machine code through Numba; run in a process of its own, once for each artefact.

    python -m vm.native.restricted MODULE FILE

MODULE names its kernel: ``EXPORTS`` (what the object file exports, callees first: functions of the arrays of
the work record, then of numbers), ``WORK`` (that record) and ``BYTES`` (which of its fields are bytes).

Every kernel function is compiled with the signature it is marked with, callees first (Numba would otherwise
compile one for each constant it is called with), and put in the place of the Python function. What Numba
makes of the entry points goes through the engine's own pipeline into an object file, which needs no Python.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

from vm.module.kernel.restricted import marked
from vm.native.pipeline import emit_object
from vm.typed import Any

_LEVEL = 2
_FAULT = -1
"""What an entry returns when Numba's own checks fail: an index outside a constant table."""


def build(module: ModuleType) -> bytes:
    """A module's kernel as an object file."""
    compiler = _Compiler(module)
    compiled = [compiler.compile(name) for name in module.EXPORTS]
    return emit_object(_text(compiled, module), _LEVEL)


class _Compiler:
    def __init__(self, module: ModuleType) -> None:
        from numba import types

        fields = [
            types.CPointer(types.uint8 if name in module.BYTES else types.int64)
            for name in module.WORK._fields
        ]
        self._types = {"w": types.NamedTuple(tuple(fields), module.WORK), "i": types.int64}
        package = module.__name__.rpartition(".")[0]
        self._sources = {
            function.__name__: (function, signature)
            for function, signature in marked()
            if function.__module__.startswith(package + ".")
        }
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


def _text(compiled: list[Any], module: ModuleType) -> str:
    """The IR of the last function, which holds all the others, and the entries in C's calling convention."""
    overloads = [next(iter(dispatcher.overloads.values())) for dispatcher in compiled]
    whole = overloads[-1].library.get_llvm_str()
    lines = [line for line in whole.splitlines() if not line.startswith(("target ", "source_"))]
    kept = [
        re.sub(r"^define (linkonce_odr )?", "define internal ", line) for line in lines
    ]  # inlined if called once
    pointers = len(module.WORK._fields)
    entries = (_entry(name, made, pointers) for name, made in zip(module.EXPORTS, overloads, strict=True))
    return "\n".join([*kept, *entries])


def _entry(name: str, made: Any, pointers: int) -> str:
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
    Path(sys.argv[2]).write_bytes(build(importlib.import_module(sys.argv[1])))
