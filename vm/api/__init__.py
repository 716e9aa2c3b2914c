"""The public face: wasmtime-py's names and shapes.

    import vm.api as wasmtime

runs typical programs written for wasmtime-py. Values are signed ints, floats, None or Func for funcref, any
object for externref. ``WasmtimeError`` is the root of this engine's errors.
"""

from __future__ import annotations

import importlib

from vm.importing import uninterrupted
from vm.typed import TYPE_CHECKING

with uninterrupted():
    from vm.api.caller import Caller, Storelike
    from vm.api.engine import Config, Engine, Store
    from vm.api.exceptions import Exn
    from vm.api.externs import Func, Global, Table, Tag
    from vm.api.instance import Instance, InstancePre, Linker
    from vm.api.managed import Managed
    from vm.api.memory import Memory
    from vm.api.module import Module
    from vm.api.references import ArrayRef, StructRef
    from vm.api.shared import SharedMemory
    from vm.api.types import (
        ExportType,
        FuncType,
        GlobalType,
        ImportType,
        Limits,
        MemoryType,
        TableType,
        TagType,
        ValType,
    )
    from vm.api.val import Val
    from vm.errors import ExitTrap, Frame, Trap, TrapCode
    from vm.errors import VMError as WasmtimeError

if TYPE_CHECKING:
    from vm.text import wat2wasm
    from vm.wasi import DirPerms, FilePerms, WasiConfig

_LATER = {
    "DirPerms": "vm.wasi",
    "FilePerms": "vm.wasi",
    "WasiConfig": "vm.wasi",
    "wat2wasm": "vm.text",
}
"""What is imported when somebody first asks for it: many programs need neither."""


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(_LATER[name]), name)
    globals()[name] = found
    return found


__all__ = [
    "ArrayRef",
    "Caller",
    "Config",
    "DirPerms",
    "Engine",
    "ExitTrap",
    "Exn",
    "ExportType",
    "FilePerms",
    "Frame",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "ImportType",
    "Instance",
    "InstancePre",
    "Limits",
    "Linker",
    "Managed",
    "Memory",
    "MemoryType",
    "Module",
    "SharedMemory",
    "Store",
    "Storelike",
    "StructRef",
    "Table",
    "TableType",
    "Tag",
    "TagType",
    "Trap",
    "TrapCode",
    "Val",
    "ValType",
    "WasiConfig",
    "WasmtimeError",
    "wat2wasm",
]
