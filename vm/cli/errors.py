"""Bad input as one line: the file, the place in it, what is wrong, what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from vm.errors import DecodeError, WasmError

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TRAP = 134
"""128 + SIGABRT."""

MAX_MODULE = 1 << 30
"""Largest file read, in bytes: the largest module a browser takes."""

_MAGIC = b"\0asm"
_COMPONENT = b"\0asm\x0d\0\1\0"


class InputError(Exception):
    """What the user gave cannot be used; the text is the line they see."""


def read_binary(path: str) -> bytes:
    """The bytes of a module's file; InputError when it cannot be read, or is plainly something else."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_MODULE:
                raise InputError(f"{path}: {size:,} bytes is more than a module may have ({MAX_MODULE:,})")
            binary = file.read(MAX_MODULE)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the path") from None
    _refuse_other_formats(path, binary)
    return binary


def _refuse_other_formats(path: str, binary: bytes) -> None:
    if not binary:
        raise InputError(f"{path}: the file is empty; build or fetch it again")
    if binary.startswith(_COMPONENT):
        raise InputError(f"{path}: a WebAssembly component, not a core module; extract its core module first")
    if not binary.startswith(_MAGIC[: len(binary)]) and binary.lstrip().startswith((b"(", b";;")):
        raise InputError(f"{path}: WebAssembly text, not binary; translate it first (wat2wasm)")


@contextmanager
def named(path: str) -> Iterator[None]:
    """Put the file's name and a remedy on errors about its content."""
    try:
        yield
    except WasmError as error:
        raise InputError(f"{path}: {error}; {remedy(error)}") from error


def remedy(error: WasmError) -> str:
    """What to do about a module that cannot be used."""
    if isinstance(error, DecodeError):
        return "the file is damaged or uses a newer format: build or fetch it again"
    return "its compiler made invalid code, or for features this version does not have"
