"""Bad input as one line: the file, the place in it, what is wrong, what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from vm.errors import DecodeError, TextError, ValidationError, WasmError
from vm.text import Place, is_text, locate, wat2wasm

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TRAP = 134
"""128 + SIGABRT."""

MAX_MODULE = 1 << 30
"""Largest file read, in bytes: the largest module a browser takes."""

MAX_TEXT = 1 << 26
"""Largest text read, in bytes; reading one takes some thirty times its size in memory."""

_SHOWN = 100
"""Characters shown of a line in which something is wrong."""

_COMPONENT = b"\0asm\x0d\0\1\0"


class InputError(Exception):
    """What the user gave cannot be used; the text is the line they see."""


def read_file(path: str) -> bytes:
    """What is in a module's file; InputError when it cannot be read, or is plainly something else."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_MODULE:
                raise InputError(f"{path}: {size:,} bytes is more than a module may have ({MAX_MODULE:,})")
            content = file.read(MAX_MODULE)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the path") from None
    if not content:
        raise InputError(f"{path}: the file is empty; build or fetch it again")
    if content.startswith(_COMPONENT):
        raise InputError(f"{path}: a WebAssembly component, not a core module; extract its core module first")
    if len(content) > MAX_TEXT and is_text(content):
        raise InputError(
            f"{path}: {len(content):,} bytes of text are more than is read ({MAX_TEXT:,}); build a binary"
        )
    return content


def writable(path: str) -> None:
    """Say before a long run, not behind it, that there is no place for what comes of it."""
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not os.access(folder, os.W_OK):
        raise InputError(f"{path}: cannot be written; name a file in a folder that is there")


def write(path: str, content: bytes) -> None:
    """Write what came of a run."""
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def to_binary(content: bytes) -> bytes:
    """``content`` itself, or its translation when it is text, which may raise TextError."""
    return wat2wasm(content) if is_text(content) else content


@contextmanager
def named(path: str, content: bytes = b"") -> Iterator[None]:
    """Put the file's name and a remedy on errors about its ``content``."""
    try:
        yield
    except WasmError as error:
        raise InputError(described(path, error, content)) from error


def described(path: str, error: WasmError, content: bytes = b"") -> str:
    """What is wrong with a file: a line; for text, with the place in the form that editors know, and below
    it the line in question with a caret.
    """
    where = place(error, content)
    if where is None:
        return f"{path}: {error}; {remedy(error, content)}"
    detail = f": {error.detail}" if error.detail else ""
    said = f"{path}:{where.line}:{where.column}: {error.message}{detail}"
    return f"{said}\n{_excerpt(where.source, where.column - 1)}"


def place(error: WasmError, content: bytes) -> Place | None:
    """Where in a text the fault is, if ``content`` is one and it is known."""
    if isinstance(error, TextError):
        return Place(error.line, error.column, error.source)
    if isinstance(error, ValidationError) and is_text(content):
        return locate(content, error.offset)
    return None


def _excerpt(line: str, at: int) -> str:
    """The part of ``line`` around ``at``, and a caret below."""
    start = max(0, min(at - _SHOWN // 2, len(line) - _SHOWN))
    shown = "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)
    shown = shown[start : start + _SHOWN]
    below = "".join("\t" if c == "\t" else " " for c in shown[: at - start])
    return f"  {shown}\n  {below}^"


def remedy(error: WasmError, content: bytes = b"") -> str:
    """What to do about a module that cannot be used."""
    if is_text(content):
        return "the offset is the binary's: wasmvm dis shows what stands there"
    if isinstance(error, DecodeError):
        return "the file is damaged or uses a newer format: build or fetch it again"
    return "its compiler made invalid code, or for features this version does not have"
