"""The public face: wasmtime-py's names and shapes.

    import vm.api as wasmtime

runs typical programs written for wasmtime-py. Values are signed ints, floats, None or Func for funcref, any
object for externref. ``WasmtimeError`` is the root of this engine's errors.
"""

from __future__ import annotations

from vm.importing import imported, uninterrupted
from vm.typed import TYPE_CHECKING

with uninterrupted():
    from vm.api.caller import Caller, Storelike
    from vm.api.engine import Config, Engine, Store
    from vm.api.func import Func
    from vm.api.instance import Instance
    from vm.api.managed import Managed
    from vm.api.module import Module
    from vm.errors import ExitTrap, Frame, Trap, TrapCode
    from vm.errors import VMError as WasmtimeError

if TYPE_CHECKING:
    from vm.api.exceptions import Exn
    from vm.api.externs import Global, Table, Tag
    from vm.api.linker import InstancePre, Linker
    from vm.api.memory import Memory
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
    from vm.text import wat2wasm
    from vm.wasi import DirPerms, FilePerms, WasiConfig

_LATER = {
    "vm.api.exceptions": ("Exn",),
    "vm.api.externs": ("Global", "Table", "Tag"),
    "vm.api.linker": ("InstancePre", "Linker"),
    "vm.api.memory": ("Memory",),
    "vm.api.references": ("ArrayRef", "StructRef"),
    "vm.api.shared": ("SharedMemory",),
    "vm.api.types": (
        *("ExportType", "FuncType", "GlobalType", "ImportType", "Limits", "MemoryType", "TableType"),
        *("TagType", "ValType"),
    ),
    "vm.api.val": ("Val",),
    "vm.text": ("wat2wasm",),
    "vm.wasi": ("DirPerms", "FilePerms", "WasiConfig"),
}
"""What is imported when somebody first asks for it, by where it is: a small program needs none of it."""

_PLACES = {name: place for place, names in _LATER.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with uninterrupted():
        found: object = getattr(imported(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})


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
