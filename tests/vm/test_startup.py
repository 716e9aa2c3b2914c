"""What a small program waits for before its first result: nothing heavy is imported that it does not use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.vm.engines import binary

HEAVY = {
    "numpy",
    "numba",
    "llvmlite",
    "asyncio",
    "multiprocessing",
    "importlib.metadata",
    "platformdirs",
    "dataclasses",
    "inspect",
    "subprocess",
    "_hashlib",
    "signal",
    "vm.cli.wast",
    "vm.tiers.llvm.program",
    "vm.native.elf",
    "vm.native.glue_text",
    "vm.native.entries",
    "vm.native.signals_text",
}
"""What no start of a program needs whose machine code is on disk."""

UNUSED = {
    "vm.wasi",
    "vm.text",
    "vm.isa.semantics",
    "vm.jit.request",
    "vm.tiers.features",
    "vm.tiers.learned",
    "pathlib",
    "difflib",
    "urllib.parse",
    "ipaddress",
    "typing",
    "enum",
    "re",
    "threading",
    "functools",
    "collections",
    "contextlib",
    "array",
    "vm.gc.heap",
    "vm.api.linker",
    "vm.api.types",
    "vm.runtime.objects",
}
"""What a module that asks for nothing does not need either."""

ADD = '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'
HELLO = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\06\\00\\00\\00hello\\n")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))))"""

FROM_PYTHON = """
import sys
import vm.api as w
config = w.Config()
config.tier = "tiered"
store = w.Store(w.Engine(config))
module = w.Module(store.engine, open(sys.argv[1], "rb").read())
assert w.Instance(store, module, []).exports(store)["add"](store, 2, 3) == 5
print(*sys.modules)
"""

FROM_COMMAND = """
import sys
from vm.cli import main
assert main(["run", "--tier", "tiered", sys.argv[1]]) == 0
print(*sys.modules)
"""


def imported(script: str, wasm: Path) -> tuple[set[str], str]:
    """The modules that a program in a new process has imported in the end, those aside that every Python here
    has, and what it printed before.

    It runs twice: the first time, code has to be made.
    """
    environment = {**os.environ, "WASMVM_OBJECTS": str(wasm.parent / "objects")}

    def lines(text: str) -> list[str]:
        command = [sys.executable, "-c", text, str(wasm)]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()

    (bare,) = lines("import sys; print(*sys.modules)")
    lines(script)
    *before, last = lines(script)
    return set(last.split()) - set(bare.split()), "\n".join(before)


@pytest.mark.parametrize(
    ("script", "wat", "needless", "says"),
    [(FROM_PYTHON, ADD, HEAVY | UNUSED, ""), (FROM_COMMAND, HELLO, HEAVY | {"argparse", "re"}, "hello")],
    ids=["from Python", "wasmvm run"],
)
def test_a_small_program_starts_without_what_it_does_not_need(
    script: str, wat: str, needless: set[str], says: str, tmp_path: Path
) -> None:
    wasm = tmp_path / "small.wasm"
    wasm.write_bytes(binary(wat))
    modules, said = imported(script, wasm)
    assert said == says
    assert needless & modules == set()
