"""Bytes to a decoded module: the header, the section loop, and the rules between sections.

Only section contents are read; function bodies stay byte ranges (``vm.module.validator`` looks into
them), so decoding takes time by number of functions and not by size of code. Names are read when
somebody asks. Source: spec 5.5.
"""

from __future__ import annotations

from vm.errors import DecodeError, WasmError
from vm.module import sections
from vm.module.leb import UNEXPECTED_END
from vm.module.model import ModuleData
from vm.module.reader import Reader

MAGIC = b"\0asm"
VERSION = b"\1\0\0\0"

_CUSTOM, _CODE = 0, 10
_ORDER = {section: position for position, section in enumerate(sections.SECTIONS)}


def decode(binary: bytes, *, lazy: bool = False) -> ModuleData:
    """The module in ``binary``; raises ``DecodeError`` with the offset where it is malformed.

    ``lazy`` leaves out what only a body's own user needs: its declarations of locals.
    """
    module = ModuleData(bytes(binary))
    _header(module.binary)
    r = Reader(module.binary, len(MAGIC) + len(VERSION), len(module.binary))
    last = -1
    try:
        while r.at < r.end:
            last = _section(r, module, last)
            if not lazy and last == _ORDER[_CODE]:
                for _ in module.bodies:
                    pass
        _counts_agree(module)
    except DecodeError as error:
        raise _fault_in_bodies(module) or error from None
    return module


def _fault_in_bodies(module: ModuleData) -> WasmError | None:
    """The first fault inside a body read so far, if there is one.

    A file that breaks behind its code often broke inside it: the earlier place helps more.
    """
    from vm.module.instructions import read  # with the opcode table

    try:
        for body in module.bodies:
            at = body.start
            while at < body.end:
                _, _, at = read(module.binary, at)
    except WasmError as error:
        return error
    return None


def _header(binary: bytes) -> None:
    _expect(binary, 0, MAGIC, "magic header not detected")
    _expect(binary, len(MAGIC), VERSION, "unknown binary version")


def _expect(binary: bytes, at: int, wanted: bytes, message: str) -> None:
    found = binary[at : at + len(wanted)]
    if len(found) < len(wanted):
        raise DecodeError(UNEXPECTED_END, len(binary), f"{wanted.hex(' ')} was expected at {at:#x}")
    if found != wanted:
        raise DecodeError(message, at, f"found {found.hex(' ')}, expected {wanted.hex(' ')}")


def _section(r: Reader, module: ModuleData, last: int) -> int:
    """Read one section; gives its place in the order, or ``last`` for a custom section."""
    start, kind = r.at, r.byte("section id")
    if kind != _CUSTOM and kind not in _ORDER:
        raise r.fail("malformed section id", str(kind), start)
    size = r.u32("section size")
    begin = r.skip(size, f"section {kind}")
    inner = Reader(module.binary, begin, begin + size, module.types)
    if kind == _CUSTOM:
        _custom(inner, module)
        return last
    if _ORDER[kind] <= last:
        raise r.fail("unexpected content after last section", f"section {kind} is repeated or late", start)
    sections.SECTIONS[kind](inner, module)
    if inner.at != inner.end:
        detail = f"section {kind} has {inner.end - inner.at} bytes too many"
        raise r.fail("section size mismatch", detail, inner.at)
    return _ORDER[kind]


def _custom(r: Reader, module: ModuleData) -> None:
    name = r.name("custom section name")
    module.custom.append((name, r.at, r.end))
    if name == "name":
        module.name_section = r.at, r.end


def _counts_agree(module: ModuleData) -> None:
    """Rules that span sections: as many bodies as functions, as many data segments as announced."""
    declared = len(module.functions) - module.imported_functions
    if declared != len(module.bodies):
        detail = f"{declared} functions, {len(module.bodies)} bodies"
        message = "function and code section have inconsistent lengths"
        raise DecodeError(message, len(module.binary), detail)
    if module.data_count is not None and module.data_count != len(module.data):
        detail = f"{module.data_count} announced, {len(module.data)} found"
        message = "data count and data section have inconsistent lengths"
        raise DecodeError(message, len(module.binary), detail)
