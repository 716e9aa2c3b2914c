"""WASI preview 1: what a command-line program compiled to WebAssembly may ask of its host.

One file a capability (``args``, ``attributes``, ``clocks``, ``directories``, ``files``, ``names``,
``opening``, ``polling``, ``process``, ``random``, ``sockets``, ``table``); ``registry`` lists every
function, ``context`` holds one program's state, ``sandbox`` keeps paths inside the directories that were
given, ``rights`` says what goes with which kind of descriptor. The package knows memory as a ``memoryview``
and nothing of engines.
"""

from __future__ import annotations

from vm.wasi.config import CustomOutput, DirPerms, FilePerms, WasiConfig
from vm.wasi.context import WasiContext
from vm.wasi.registry import MODULE, HostFunction, functions

__all__ = [
    "MODULE",
    "CustomOutput",
    "DirPerms",
    "FilePerms",
    "HostFunction",
    "WasiConfig",
    "WasiContext",
    "functions",
]
