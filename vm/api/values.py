"""Between Python's values and bit patterns.

Signed ints, floats, None or Func, any object for externref; a v128 is one unsigned int, lane 0 lowest. For
anyref, ints that fit are i31, structures and arrays are those of ``vm.api.references``.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vm.api.references import ManagedRef, managed
from vm.gc.words import i31, i31_signed, is_i31, is_object
from vm.isa.matching import top_of
from vm.isa.types import Heap, RefType, ValType, ValueType
from vm.runtime.casts import tester
from vm.runtime.exceptions import Exn

if TYPE_CHECKING:
    from vm.runtime.functions import Function
    from vm.runtime.store import Store

ToBits = Callable[[Any], int]
FromBits = Callable[[int], Any]

I31_LIMIT = 1 << 30
"""An i31 holds -2**30 to 2**30 - 1."""

_F32, _I32, _F64, _I64 = (struct.Struct(letter) for letter in ("<f", "<I", "<d", "<Q"))


def _i32_to_bits(value: Any) -> int:
    return _integer(value) & 0xFFFF_FFFF


def _i64_to_bits(value: Any) -> int:
    return _integer(value) & 0xFFFF_FFFF_FFFF_FFFF


def _integer(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("an int")
    return value


def _float(value: Any) -> float:
    if not isinstance(value, float):
        raise TypeError("a float")
    return value


def _f32_to_bits(value: Any) -> int:
    number = _float(value)
    try:
        packed = _F32.pack(number)
    except OverflowError:  # rounds to infinity, as the conversion of a C compiler does
        packed = _F32.pack(math.copysign(math.inf, number))
    bits: int = _I32.unpack(packed)[0]
    return bits


def _f64_to_bits(value: Any) -> int:
    bits: int = _I64.unpack(_F64.pack(_float(value)))[0]
    return bits


def _i32_from_bits(bits: int) -> int:
    return bits - 0x1_0000_0000 if bits & 0x8000_0000 else bits


def _i64_from_bits(bits: int) -> int:
    return bits - (1 << 64) if bits >> 63 else bits


def _f32_from_bits(bits: int) -> float:
    value: float = _F32.unpack(_I32.pack(bits))[0]
    return value


def _f64_from_bits(bits: int) -> float:
    value: float = _F64.unpack(_I64.pack(bits))[0]
    return value


def _v128_to_bits(value: Any) -> int:
    """No bits fall off, as they do of an i32: a number out of range is a mistake."""
    bits = _integer(value)
    if bits >> 128:
        raise TypeError("an unsigned int of 128 bits")
    return bits


def _v128_from_bits(bits: int) -> int:
    return bits


_NUMBERS: dict[ValType, tuple[ToBits, FromBits]] = {
    ValType.I32: (_i32_to_bits, _i32_from_bits),
    ValType.I64: (_i64_to_bits, _i64_from_bits),
    ValType.F32: (_f32_to_bits, _f32_from_bits),
    ValType.F64: (_f64_to_bits, _f64_from_bits),
    ValType.V128: (_v128_to_bits, _v128_from_bits),
}


class Converter:
    """Conversions for one store; ``wrap`` makes a Func from a runtime function, ``unwrap`` undoes it."""

    def __init__(
        self, store: Store, wrap: Callable[[Function], object], unwrap: Callable[[object], Function]
    ) -> None:
        self.store = store
        self._wrap = wrap
        self._unwrap = unwrap
        self._encoders: dict[Heap, ToBits] = {
            Heap.FUNC: self._function_to_bits,
            Heap.EXN: self._exception_to_bits,
            Heap.EXTERN: self._extern_to_bits,
            Heap.ANY: self._any_to_bits,
        }

    def to_bits(self, type: ValueType, value: Any, what: str) -> int:
        """The bit pattern of ``value``; a TypeError that names ``what`` when it does not fit ``type``."""
        try:
            return self.encoder(type)(value)
        except TypeError as error:
            raise TypeError(f"{what}: {type} takes {error}, got {value!r}") from None

    def from_bits(self, type: ValueType, bits: int) -> Any:
        """The Python value of a bit pattern."""
        return self.decoder(type)(bits)

    def encoder(self, type: ValueType) -> ToBits:
        """The conversion to bits for ``type``; it raises TypeError with what it takes."""
        if not isinstance(type, RefType):
            return _NUMBERS[type][0]
        to_bits = self._encoders[top_of(type.heap)]
        special = type.heap is not top_of(type.heap)
        fits = tester(self.store, type) if special else None

        def checked(value: Any) -> int:
            if value is None:
                if not type.nullable:
                    raise TypeError("anything but None")
                return 0
            bits = to_bits(value)
            if fits is not None and not fits(bits):
                raise TypeError("only references of that type")
            return bits

        return checked

    def decoder(self, type: ValueType) -> FromBits:
        """The conversion from bits for ``type``."""
        if not isinstance(type, RefType):
            return _NUMBERS[type][1]
        special = {Heap.FUNC: self._function_from_bits, Heap.EXN: self._exception_from_bits}
        return special.get(top_of(type.heap), self._reference_from_bits)

    def _function_to_bits(self, value: Any) -> int:
        return 0 if value is None else self._unwrap(value).record

    def _exception_to_bits(self, value: Any) -> int:
        if not isinstance(value, Exn):
            raise TypeError("an Exn, or None")
        return self.store.extern_handle(value)

    def _exception_from_bits(self, bits: int) -> object:
        return self.store.exception_at(bits) if bits else None

    def _function_from_bits(self, bits: int) -> object:
        return self._wrap(self.store.function_at(bits)) if bits else None

    def _extern_to_bits(self, value: Any) -> int:
        """A wrapper of an object stands for the object, as if it were converted by ``extern.convert_any``."""
        if isinstance(value, ManagedRef) and value.store is self.store:
            return value.word
        return self.store.extern_handle(value)

    def _any_to_bits(self, value: Any) -> int:
        """Small ints become i31; what is no managed object passes as if by ``any.convert_extern``."""
        if type(value) is int and -I31_LIMIT <= value < I31_LIMIT:
            return i31(value)
        return self._extern_to_bits(value)

    def _reference_from_bits(self, bits: int) -> object:
        if is_object(bits):
            return managed(bits, self)
        return i31_signed(bits) if is_i31(bits) else self.store.extern(bits)
