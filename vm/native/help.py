"""Instructions that native code leaves to the runtime: a numbered list.

A request travels in an array of words: one for the answer (0: failed), then the instruction's immediates,
then its operands, deepest first. The result, if any, comes back in the word behind the answer.
"""

from __future__ import annotations

from vm.runtime.instance import Instance
from vm.runtime.objects import Array
from vm.runtime.words import WORD_MASK
from vm.typed import Callable

Helper = Callable[..., int | None]
"""``helper(instance, *immediates, *operands)``; its result is what the instruction pushes."""


def _memory_grow(instance: Instance, memory: int, delta: int) -> int:
    return instance.memories[memory].grow(delta) & WORD_MASK


def _table_grow(instance: Instance, table: int, init: int, delta: int) -> int:
    return instance.tables[table].grow(delta, init) & WORD_MASK


def _table_fill(instance: Instance, table: int, start: int, value: int, count: int) -> None:
    instance.tables[table].fill(start, value, count)


def _table_copy(
    instance: Instance, target: int, source: int, start: int, source_start: int, count: int
) -> None:
    instance.tables[target].copy(start, instance.tables[source], source_start, count)


def _notify(instance: Instance, offset: int, memory: int, address: int, count: int) -> int:
    return instance.memories[memory].notify(address + offset, count)


def _waiter(width: int) -> Helper:
    def helper(
        instance: Instance, offset: int, memory: int, address: int, expected: int, timeout: int
    ) -> int:
        look = instance.store.look
        return instance.memories[memory].wait(address + offset, width, expected, signed(timeout), look)

    return helper


def signed(word: int) -> int:
    """A word as a signed number."""
    return word - (1 << 64) if word >> 63 else word


def _exception_reference(instance: Instance) -> int:
    return instance.store.exception_reference()


def _throw_ref(instance: Instance, reference: int) -> None:
    instance.store.throw(instance.store.exception_at(reference).again())


def _room(instance: Instance, size: int) -> None:
    instance.store.heap.space.make_room(size)


def _leave(instance: Instance, *where: int) -> int:
    return instance.store.leave(instance, *where)


def _array_new_data(instance: Instance, type: int, segment: int, start: int, length: int) -> int:
    return Array(instance.module.types[type]).new_data(instance, segment, start, length)


def _array_new_elem(instance: Instance, type: int, segment: int, start: int, length: int) -> int:
    return Array(instance.module.types[type]).new_elem(instance, segment, start, length)


def _array_init_data(instance: Instance, type: int, segment: int, word: int, *ranges: int) -> None:
    Array(instance.module.types[type]).init_data(instance, segment, word, *ranges)


def _array_init_elem(instance: Instance, type: int, segment: int, word: int, *ranges: int) -> None:
    Array(instance.module.types[type]).init_elem(instance, segment, word, *ranges)


HELPERS: dict[str, tuple[Helper, int]] = {
    "memory.grow": (_memory_grow, 2),
    "memory.init": (Instance.memory_init, 5),
    "data.drop": (Instance.data_drop, 1),
    "table.grow": (_table_grow, 3),
    "table.fill": (_table_fill, 4),
    "table.copy": (_table_copy, 5),
    "table.init": (Instance.table_init, 5),
    "elem.drop": (Instance.elem_drop, 1),
    "memory.atomic.notify": (_notify, 4),
    "memory.atomic.wait32": (_waiter(4), 5),
    "memory.atomic.wait64": (_waiter(8), 5),
    "room for an object": (_room, 1),
    "array.new_data": (_array_new_data, 4),
    "array.new_elem": (_array_new_elem, 4),
    "array.init_data": (_array_init_data, 6),
    "array.init_elem": (_array_init_elem, 6),
    "exception reference": (_exception_reference, 0),
    "throw_ref": (_throw_ref, 1),
    "leave": (_leave, 4),
}
"""Helpers by instruction name (or by what they answer about one), with the number of words each takes."""

NUMBERED: tuple[tuple[Helper, int], ...] = tuple(HELPERS.values())
"""The same by the number that compiled code uses."""

NUMBERS: dict[str, int] = {name: number for number, name in enumerate(HELPERS)}
"""The numbers by instruction name."""
