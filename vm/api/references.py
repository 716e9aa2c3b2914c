"""Structures and arrays of WebAssembly as Python sees them. wasmtime-py has nothing of the kind yet.

    point = instance.exports(store)["new_point"](store, 3, 4)      # a StructRef
    point[0], len(point), list(point)
    point[1] = 5                                                   # if the field is mutable

Both act as sequences of values; two wrappers of the same object are equal. Integers in an ``i31ref`` are
plain ints, Python objects that went in through an ``externref`` come out as they are.
"""

from __future__ import annotations

from vm.isa.canonical import by_number
from vm.isa.types import ArrayType, DefType, FieldType, StructType
from vm.runtime.objects import Array, Place, Struct
from vm.typed import TYPE_CHECKING, Any, Iterator

if TYPE_CHECKING:
    from vm.api.values import Converter
    from vm.runtime.store import Store


class ManagedRef:
    """A reference to a managed object, which lives at least as long. See ``StructRef`` and ``ArrayRef``."""

    def __init__(self, word: int, convert: Converter) -> None:
        self._word = word
        self._convert = convert

    @property
    def word(self) -> int:
        """The reference as bits; Python holds what it refers to."""
        return self._word

    @property
    def store(self) -> Store:
        """The inside of the store that the object belongs to."""
        return self._convert.store

    def __len__(self) -> int:
        raise NotImplementedError

    def _place(self, index: int) -> tuple[FieldType, Place]:
        raise NotImplementedError

    def _at(self, index: int) -> tuple[FieldType, Place]:
        if not isinstance(index, int):
            raise TypeError(f"index: expected int, got {type(index).__name__}")
        found = index + len(self) if index < 0 else index
        if not 0 <= found < len(self):
            raise IndexError(f"no place {index}, there are {len(self)}")
        return self._place(found)

    def __getitem__(self, index: int) -> Any:
        member, place = self._at(index)
        return self._convert.from_bits(member.unpacked, place.load(self.store.heap, self._word))

    def __setitem__(self, index: int, value: Any) -> None:
        member, place = self._at(index)
        if not member.mutable:
            raise TypeError(f"place {index} is immutable")
        bits = self._convert.to_bits(member.unpacked, value, f"place {index}")
        place.store(self.store.heap, self._word, bits)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ManagedRef) and (other.store, other._word) == (self.store, self._word)

    def __hash__(self) -> int:
        return hash(self._word)


class StructRef(ManagedRef):
    """A structure: its fields in order. Packed fields are read without sign."""

    def __init__(self, word: int, convert: Converter, definition: DefType) -> None:
        super().__init__(word, convert)
        assert isinstance(definition.composite, StructType)
        self._fields = definition.composite.fields
        self._places = Struct(definition).fields

    def __len__(self) -> int:
        return len(self._fields)

    def _place(self, index: int) -> tuple[FieldType, Place]:
        return self._fields[index], self._places[index]

    def __repr__(self) -> str:
        return f"<StructRef of {len(self)} fields>"


class ArrayRef(ManagedRef):
    """An array: its elements. Packed elements are read without sign."""

    def __init__(self, word: int, convert: Converter, definition: DefType) -> None:
        super().__init__(word, convert)
        assert isinstance(definition.composite, ArrayType)
        self._element = definition.composite.element
        self._array = Array(definition)

    def __len__(self) -> int:
        return self.store.heap.length(self._word)

    def _place(self, index: int) -> tuple[FieldType, Place]:
        return self._element, self._array.place(index)

    def __repr__(self) -> str:
        return f"<ArrayRef of {len(self)} elements>"


def managed(word: int, convert: Converter) -> ManagedRef:
    """The wrapper of a reference to an object."""
    definition = by_number(convert.store.heap.type_of(word))
    kind = StructRef if isinstance(definition.composite, StructType) else ArrayRef
    return kind(word, convert, definition)
