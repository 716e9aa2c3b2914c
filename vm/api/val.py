"""Val: a value that says its own type, as wasmtime-py has it; a plain Python value does as well anywhere."""

from __future__ import annotations

from vm.api.checks import check
from vm.api.numbers import NUMBERS, TypedValue
from vm.api.types import ValType
from vm.errors import VMError
from vm.isa import types as isa
from vm.typed import Any


class Val(TypedValue):
    """A value and its type; made by the class methods.

    Numbers are cut to what fits the type. It may stand wherever a value is given to WebAssembly, and is a
    TypeError where another type is wanted; what comes back is always a plain Python value.
    """

    _type: isa.ValueType
    value: Any
    """What it is in plain Python."""

    def __init__(self) -> None:
        raise TypeError("use Val.i32(...), Val.i64(...), Val.f32(...), ...")

    @classmethod
    def _of(cls, type: isa.ValueType, value: object) -> Val:
        self = cls.__new__(cls)
        self._type = type
        self.value = value
        return self

    @classmethod
    def _number(cls, type: isa.ValType, value: object) -> Val:
        to_bits, from_bits = NUMBERS[type]
        return cls._of(type, from_bits(to_bits(value)))

    @classmethod
    def i32(cls, val: int) -> Val:
        """A 32-bit integer."""
        return cls._number(isa.ValType.I32, check(val, int, "val"))

    @classmethod
    def i64(cls, val: int) -> Val:
        """A 64-bit integer."""
        return cls._number(isa.ValType.I64, check(val, int, "val"))

    @classmethod
    def f32(cls, val: float) -> Val:
        """A 32-bit float."""
        return cls._number(isa.ValType.F32, check(val, float, "val"))

    @classmethod
    def f64(cls, val: float) -> Val:
        """A 64-bit float."""
        return cls._number(isa.ValType.F64, check(val, float, "val"))

    @classmethod
    def externref(cls, extern: object) -> Val:
        """A reference to any Python object; None is null."""
        return cls._of(isa.EXTERNREF, extern)

    @classmethod
    def funcref(cls, f: object) -> Val:
        """A reference to a ``Func``; None is null."""
        return cls._of(isa.FUNCREF, f)

    @classmethod
    def ref_null(cls, ty: ValType) -> Val:
        """Null of a reference type; VMError for any other."""
        type = check(ty, ValType, "ty").raw
        if not isinstance(type, isa.RefType) or not type.nullable:
            raise VMError(f"ty: expected a type of references that may be null, got {ty}")
        return cls._of(type, None)

    @property
    def type(self) -> ValType:
        """What it is."""
        return ValType.of(self._type)

    def given_as(self, type: isa.ValueType) -> object:
        """As its base says."""
        if type != self._type:
            raise TypeError("a Val of that type, or a plain value")
        return self.value

    def as_i32(self) -> int | None:
        """The value if it is an i32, else None."""
        found: int | None = self._as(isa.ValType.I32)
        return found

    def as_i64(self) -> int | None:
        """The value if it is an i64, else None."""
        found: int | None = self._as(isa.ValType.I64)
        return found

    def as_f32(self) -> float | None:
        """The value if it is an f32, else None."""
        found: float | None = self._as(isa.ValType.F32)
        return found

    def as_f64(self) -> float | None:
        """The value if it is an f64, else None."""
        found: float | None = self._as(isa.ValType.F64)
        return found

    def as_externref(self) -> Any:
        """The object if it is an externref; None for null, and if it is none."""
        return self._as(isa.EXTERNREF)

    def as_funcref(self) -> Any:
        """The Func if it is a funcref; None for null, and if it is none."""
        return self._as(isa.FUNCREF)

    def _as(self, type: isa.ValueType) -> Any:
        return self.value if self._type == type else None

    def __eq__(self, other: object) -> bool:
        """Two of the same type and value are equal; a plain value is compared with the value."""
        if isinstance(other, Val):
            return self._type == other._type and bool(self.value == other.value)
        return bool(self.value == other)

    __hash__ = None  # type: ignore[assignment]  # equal to values of several types

    def __repr__(self) -> str:
        return f"Val({self._type} {self.value!r})"
