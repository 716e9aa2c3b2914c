"""Whose code an address is in that is not in a function body: the C library's, Python's, the engine's own."""

from __future__ import annotations

import bisect
import os


class Libraries:
    """What was mapped into the process when this was made (``/proc/self/maps``)."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int, str]] = []
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                extent, _, _, _, _, *path = line.split(maxsplit=5)
                start, _, end = extent.partition("-")
                self._ranges.append((int(start, 16), int(end, 16), _name(path[0] if path else "")))

    def name(self, address: int) -> str:
        """The name of what holds an address, in brackets."""
        at = bisect.bisect(self._ranges, (address, 1 << 64, "")) - 1
        if at >= 0 and address < self._ranges[at][1]:
            return self._ranges[at][2]
        return "[unknown]"


def _name(path: str) -> str:
    path = path.strip()
    if path.startswith("/memfd:wasm") or not path:
        return "[engine]"
    return path if path.startswith("[") else f"[{os.path.basename(path)}]"
