"""Small WebAssembly binaries, put together by hand: for tests of what no encoder would write."""

from __future__ import annotations

HEADER = b"\0asm\1\0\0\0"

TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA, DATA_COUNT = range(1, 13)

NO_ARGS = b"\x60\0\0"
"""The type [] -> []."""


def section(number: int, *items: bytes) -> bytes:
    """A section that holds a vector of ``items``; all of it short enough for lengths of one byte."""
    content = bytes([len(items)]) + b"".join(items)
    return bytes([number, len(content)]) + content


def body(code: bytes, locals_: bytes = b"\0") -> bytes:
    """A function body with its size; ``code`` includes the final ``end``."""
    return bytes([len(locals_) + len(code)]) + locals_ + code


def function(code: bytes, type_: bytes = NO_ARGS) -> bytes:
    """A module of one function."""
    return HEADER + section(TYPE, type_) + section(FUNCTION, b"\0") + section(CODE, body(code))
