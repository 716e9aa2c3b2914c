"""A cursor over one section: every read is bounded by the section's end and says where it failed."""

from __future__ import annotations

from vm.errors import DecodeError, ValidationError
from vm.isa.types import DefType, RefType, ValueType
from vm.module.leb import UNEXPECTED_END, unsigned
from vm.module.model import ConstExpr
from vm.module.value_types import read_number, read_ref_type, read_value_type
from vm.typed import Callable, Sequence, TypeVar

END_OF_SECTION = "unexpected end of section or function"

_TWO_BYTES = 2
"""Most numbers in big modules take one byte or two; longer ones go the general way."""

_OPENS_BLOCK = frozenset({0x02, 0x03, 0x04})
_END = 0x0B

_T = TypeVar("_T")


class Reader:
    """Reads ``data`` from ``at`` up to ``end``; ``at`` moves forward as things are read.

    ``types`` are what type indices in value types mean.
    """

    __slots__ = ("at", "data", "end", "types")

    def __init__(self, data: bytes, at: int, end: int, types: Sequence[DefType] = ()) -> None:
        self.data = data
        self.at = at
        self.end = end
        self.types = types

    def fail(self, message: str, detail: str = "", at: int | None = None) -> DecodeError:
        """An error at ``at`` (default: here), for the caller to raise."""
        return DecodeError(message, self.at if at is None else at, detail)

    def need(self, count: int, what: str) -> None:
        """Raise unless ``count`` more bytes lie before the end."""
        if self.at + count > self.end:
            message = UNEXPECTED_END if self.end == len(self.data) else END_OF_SECTION
            raise self.fail(message, f"{what}: {count} bytes wanted, {self.end - self.at} left")

    def byte(self, what: str) -> int:
        """One byte."""
        self.need(1, what)
        value = self.data[self.at]
        self.at += 1
        return value

    def u32(self, what: str) -> int:
        """An unsigned 32-bit number."""
        return self.unsigned(what, 32)

    def unsigned(self, what: str, bits: int) -> int:
        """An unsigned number of ``bits`` bits."""
        self.need(1, what)
        value, at = unsigned(self.data, self.at, bits)
        self._move(at, what)
        return value

    def count(self, what: str) -> int:
        """A vector's length; refused at once when its elements cannot fit (each takes a byte)."""
        start = self.at
        value = self.u32(what)
        if value > self.end - self.at:
            raise self.fail(END_OF_SECTION, f"{value} {what}, {self.end - self.at} bytes left", start)
        return value

    def u32s(self, what: str) -> list[int]:
        """A length and that many unsigned 32-bit numbers; big modules have tens of thousands in a row."""
        found = []
        data, count = self.data, self.count(what)
        at, last = self.at, self.end - _TWO_BYTES
        for _ in range(count):
            if at <= last and (first := data[at]) < 0x80:
                found.append(first)
                at += 1
            elif at <= last and (second := data[at + 1]) < 0x80:
                found.append(first & 0x7F | second << 7)
                at += 2
            else:
                self.at = at
                found.append(self.u32(what))
                at = self.at
        self.at = at
        return found

    def extents(self, what: str) -> list[tuple[int, int]]:
        """A length and that many byte ranges, each behind its size; their contents are skipped."""
        found = []
        data, count = self.data, self.count(what)
        at, end = self.at, self.end
        last = end - _TWO_BYTES
        for _ in range(count):
            if at <= last and (size := data[at]) < 0x80:
                at += 1
            elif at <= last and (second := data[at + 1]) < 0x80:
                size = size & 0x7F | second << 7
                at += 2
            else:
                self.at = at
                size = self.u32(f"{what}: size")
                at = self.at
            if size > end - at:
                self.at = at
                self.skip(size, what)
            found.append((at, at + size))
            at += size
        self.at = at
        return found

    def vector(self, what: str, element: Callable[[], _T]) -> list[_T]:
        """A length and that many elements."""
        return [element() for _ in range(self.count(what))]

    def skip(self, count: int, what: str) -> int:
        """Move over ``count`` bytes; gives the offset where they start."""
        if count > self.end - self.at:
            raise self.fail(
                "length out of bounds", f"{what}: {count} bytes wanted, {self.end - self.at} left"
            )
        start = self.at
        self.at += count
        return start

    def name(self, what: str) -> str:
        """A length and that many bytes of UTF-8."""
        start = self.skip(self.u32(f"{what} length"), what)
        try:
            return self.data[start : self.at].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.fail("malformed UTF-8 encoding", what, start + error.start) from None

    def mutability(self) -> bool:
        """Whether a global or field is mutable."""
        flag = self.byte("mutability")
        if flag > 1:
            raise self.fail("malformed mutability", f"byte {flag:#x}", self.at - 1)
        return bool(flag)

    def raw_value_type(self) -> ValueType:
        """A value type, in which a type index stays an int."""
        self.need(1, "value type")
        found, at = read_value_type(self.data, self.at)
        self._move(at, "value type")
        return found

    def value_type(self) -> ValueType:
        """A value type."""
        start = self.at
        found = self.raw_value_type()
        return self._resolved(found, start) if isinstance(found, RefType) else found

    def ref_type(self) -> RefType:
        """A reference type."""
        self.need(1, "reference type")
        start = self.at
        found, at = read_ref_type(self.data, start)
        self._move(at, "reference type")
        return self._resolved(found, start)

    def _resolved(self, type: RefType, at: int) -> RefType:
        return RefType(self.type(type.heap, at), type.nullable) if isinstance(type.heap, int) else type

    def type(self, index: int, at: int) -> DefType:
        """The type with this index, which was read at ``at``: a rule of validity, checked already here
        because the model holds types themselves.
        """
        if index >= len(self.types):
            raise ValidationError(f"unknown type {index}", at, f"the module has {len(self.types)}")
        return self.types[index]

    def const_expr(self) -> ConstExpr:
        """A constant expression: skipped instruction by instruction up to its own ``end``."""
        start = self.at
        number = read_number(self.data, start) if start < self.end else None
        if number is not None:
            self._move(number[1], "constant expression")
            return ConstExpr(start, self.at)
        from vm.module.instructions import read  # with the opcode table

        depth = 1
        while depth:
            self.need(1, "constant expression")
            byte = self.data[self.at]
            _, _, at = read(self.data, self.at)
            self._move(at, "constant expression")
            if byte in _OPENS_BLOCK:
                depth += 1
            elif byte == _END:
                depth -= 1
        return ConstExpr(start, self.at)

    def _move(self, at: int, what: str) -> None:
        if at > self.end:
            raise self.fail(END_OF_SECTION, what)
        self.at = at
