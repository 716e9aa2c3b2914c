"""WASI preview 1: what a command-line program compiled to WebAssembly may ask of its host.

One file a capability (``args``, ``clocks``, ``directories``, ``files``, ``polling``, ``process``, ``random``,
``sockets``); ``registry`` lists every function, ``context`` holds one program's state, ``sandbox`` keeps
paths inside the directories that were given. The package knows memory as a ``memoryview`` and nothing of
engines.
"""

from __future__ import annotations

from vm.wasi.config import CustomOutput, WasiConfig
from vm.wasi.context import WasiContext
from vm.wasi.registry import MODULE, HostFunction, functions

__all__ = ["MODULE", "CustomOutput", "HostFunction", "WasiConfig", "WasiContext", "functions"]
