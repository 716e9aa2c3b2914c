"""Structures and arrays as the instructions see them: by type and field, on bit patterns (spec 4.5.1.2).

Tiers that leave such an instruction to Python, and constant expressions, do it with these. References that
come out are held by Python (``vm.gc.references``); those that go in must be.
"""

from __future__ import annotations

from vm.errors import Trap, TrapCode
from vm.gc.heap import Heap
from vm.gc.layout import ELEMENTS, StructLayout
from vm.isa.types import ArrayType, DefType, FieldType, PackedType, StructType
from vm.records import Record
from vm.runtime.heaps import slot
from vm.runtime.references import define, traced, type_table
from vm.typed import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from vm.runtime.instance import Instance

_I32 = 0xFFFF_FFFF


class Place(Record, frozen=True):
    """Where a field lies in its object: ``width`` bytes at ``offset``. ``traced``: it refers to an object."""

    offset: int
    width: int
    traced: bool
    packed: bool

    def load(self, heap: Heap, word: int) -> int:
        """Its content; packed content without sign."""
        if self.traced:
            return heap.load_reference(word, self.offset)
        return heap.load(word, self.offset, self.width)

    def load_signed(self, heap: Heap, word: int) -> int:
        """Packed content with its sign, as the bits of an i32."""
        value, sign = heap.load(word, self.offset, self.width), 1 << (8 * self.width - 1)
        return ((value ^ sign) - sign) & _I32

    def store(self, heap: Heap, word: int, value: int) -> None:
        """Replace it; of packed content the low bits count."""
        if self.traced:
            heap.store_reference(word, self.offset, value)
        else:
            heap.store(word, self.offset, self.width, self.low(value))

    def low(self, value: int) -> int:
        """The bits of ``value`` that have room."""
        return value & ((1 << 8 * self.width) - 1) if self.packed else value


def _place(member: FieldType, offset: int) -> Place:
    storage = member.storage
    return Place(offset, slot(storage).width, traced(storage), isinstance(storage, PackedType))


class Struct:
    """A structure type ready for use: ``fields`` in order."""

    def __init__(self, definition: DefType) -> None:
        composite = definition.composite
        assert isinstance(composite, StructType)
        define([definition])
        layout = type_table().layouts[definition.id]
        assert isinstance(layout, StructLayout)
        self.number = definition.id
        self.fields = tuple(map(_place, composite.fields, layout.offsets))

    def new(self, heap: Heap, values: Sequence[int]) -> int:
        """One with these contents."""
        word = heap.new_struct(self.number)
        for place, value in zip(self.fields, values, strict=True):
            place.store(heap, word, value)
        return word

    def new_default(self, heap: Heap) -> int:
        """One of zeros and nulls."""
        return heap.new_struct(self.number)


class Array:
    """An array type ready for use. Methods that take an array trap for null, as the instructions do."""

    def __init__(self, definition: DefType) -> None:
        composite = definition.composite
        assert isinstance(composite, ArrayType)
        define([definition])
        self.number = definition.id
        self.element = _place(composite.element, 0)

    def place(self, index: int) -> Place:
        """Where element ``index`` lies."""
        element = self.element
        offset = ELEMENTS + index * element.width
        return Place(offset, element.width, element.traced, element.packed)

    def at(self, heap: Heap, word: int, index: int) -> Place:
        """Where element ``index`` of an array lies, which must be there."""
        check_range(heap, word, index, 1)
        return self.place(index)

    def new(self, heap: Heap, value: int, length: int) -> int:
        """One with ``length`` times the same element."""
        word = heap.new_array(self.number, length)
        if value:
            self._repeat(heap, word, 0, value, length)
        return word

    def new_default(self, heap: Heap, length: int) -> int:
        """One of zeros or nulls."""
        return heap.new_array(self.number, length)

    def new_fixed(self, heap: Heap, values: Sequence[int]) -> int:
        """One with these elements."""
        word = heap.new_array(self.number, len(values))
        self._write(heap, word, 0, values)
        return word

    def new_data(self, instance: Instance, segment: int, start: int, length: int) -> int:
        """One with bytes of a data segment."""
        data = instance.data_bytes(segment, start, length * self.element.width)
        heap = instance.store.heap
        word = heap.new_array(self.number, length)
        heap.span(word, ELEMENTS, len(data))[:] = data
        return word

    def new_elem(self, instance: Instance, segment: int, start: int, length: int) -> int:
        """One with references of an element segment."""
        return self.new_fixed(instance.store.heap, instance.element_references(segment, start, length))

    def fill(self, heap: Heap, word: int, start: int, value: int, count: int) -> None:
        """``array.fill``."""
        check_range(heap, word, start, count)
        self._repeat(heap, word, start, value, count)

    def copy(self, heap: Heap, word: int, start: int, source: int, source_start: int, count: int) -> None:
        """``array.copy``: as if through a buffer."""
        check_range(heap, word, start, count)
        check_range(heap, source, source_start, count)
        size = count * self.element.width
        heap.span(word, self._offset(start), size)[:] = heap.span(source, self._offset(source_start), size)

    def init_data(
        self, instance: Instance, segment: int, word: int, start: int, source_start: int, count: int
    ) -> None:
        """``array.init_data``."""
        heap = instance.store.heap
        check_range(heap, word, start, count)
        data = instance.data_bytes(segment, source_start, count * self.element.width)
        heap.span(word, self._offset(start), len(data))[:] = data

    def init_elem(
        self, instance: Instance, segment: int, word: int, start: int, source_start: int, count: int
    ) -> None:
        """``array.init_elem``."""
        heap = instance.store.heap
        check_range(heap, word, start, count)
        self._write(heap, word, start, instance.element_references(segment, source_start, count))

    def _offset(self, index: int) -> int:
        return ELEMENTS + index * self.element.width

    def _repeat(self, heap: Heap, word: int, start: int, value: int, count: int) -> None:
        content = self.element.low(value).to_bytes(self.element.width, "little") * count
        heap.span(word, self._offset(start), len(content))[:] = content

    def _write(self, heap: Heap, word: int, start: int, values: Sequence[int]) -> None:
        element = self.element
        content = b"".join(element.low(value).to_bytes(element.width, "little") for value in values)
        heap.span(word, self._offset(start), len(content))[:] = content


def check_range(heap: Heap, word: int, start: int, count: int) -> None:
    """Trap unless ``word`` is an array with elements ``start`` to ``start + count``."""
    if word == 0:
        raise Trap(TrapCode.NULL_ARRAY_REFERENCE)
    if start + count > heap.length(word):
        raise Trap(TrapCode.ARRAY_OUT_OF_BOUNDS)
