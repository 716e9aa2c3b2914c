"""Between Python's values and bit patterns.

Numbers are those of ``vm.api.numbers``; None or Func, any object for externref. For anyref, ints that fit are
i31, structures and arrays are those of ``vm.api.references``. A ``Val`` may say its type itself.
"""

from __future__ import annotations

from vm.api.numbers import NUMBERS, FromBits, ToBits
from vm.api.references import ManagedRef, managed
from vm.api.val import Val
from vm.gc.words import i31, i31_signed, is_i31, is_object
from vm.isa.matching import top_of
from vm.isa.types import Heap, RefType, ValueType
from vm.runtime.casts import tester
from vm.runtime.exceptions import Exn
from vm.typed import TYPE_CHECKING, Any, Callable, Iterable

if TYPE_CHECKING:
    from vm.runtime.functions import Function
    from vm.runtime.store import Store

I31_LIMIT = 1 << 30
"""An i31 holds -2**30 to 2**30 - 1."""


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
            return self.encoder(type)(value.given_as(type) if isinstance(value, Val) else value)
        except TypeError as error:
            raise TypeError(f"{what}: {type} takes {error}, got {value!r}") from None

    def from_bits(self, type: ValueType, bits: int) -> Any:
        """The Python value of a bit pattern."""
        return self.decoder(type)(bits)

    def pairs(self, types: Iterable[ValueType]) -> dict[ValueType, tuple[ToBits, FromBits]]:
        """How values of these types go in, and how they come out."""
        return {type: (self.encoder(type), self.decoder(type)) for type in types}

    def encoder(self, type: ValueType) -> ToBits:
        """The conversion to bits for ``type``; it raises TypeError with what it takes."""
        if not isinstance(type, RefType):
            return NUMBERS[type][0]
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
            return NUMBERS[type][1]
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
