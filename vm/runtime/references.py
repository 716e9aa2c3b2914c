"""References as a store's values: which types hold some, which types there are, who keeps what they name.

The heap itself (``vm.runtime.heaps``) and the table of types are there once something needs them: programs on
numbers and memories never do.
"""

from __future__ import annotations

from vm.isa.types import ArrayType, DefType, PackedType, StorageType, StructType, ValueType
from vm.once import once
from vm.typed import TYPE_CHECKING, Iterable, Sequence

if TYPE_CHECKING:
    from vm.gc.types import TypeTable
    from vm.runtime.store import Store


def traced(type: StorageType) -> bool:
    """Whether values of the type are references that the collector must know of."""
    return not isinstance(type, PackedType) and type.is_ref and type.in_heap


def needs_heap(types: Sequence[DefType]) -> bool:
    """Whether objects can be made of one of these types, or code has to look at types: not so for most."""
    return any(not type.final or isinstance(type.composite, StructType | ArrayType) for type in types)


_needed = False
"""Whether anything needs the table of types."""

_waiting: dict[int, list[int]] = {}
"""Functions' types that are not in it yet: by number, with their supertypes'."""


def define(types: Iterable[DefType]) -> None:
    """Enter types, and the supertypes they have, into the table, or, if nothing needs it, as soon as anything
    does.
    """
    for type in types:
        for place, member in enumerate(type.display):
            above = [parent.id for parent in type.display[:place]]
            if isinstance(member.composite, StructType | ArrayType):
                _enter(member, above)
            else:
                _waiting[member.id] = above
    if _needed:  # looked at last: another thread may have made the table meanwhile
        type_table()


def _enter(type: DefType, above: list[int]) -> None:
    table = type_table()
    if not table.knows(type.id):
        from vm.runtime.heaps import layout

        table.define(type.id, layout(type), above)


def type_table() -> TypeTable:
    """The process's table of types, by the numbers of ``DefType``."""
    global _needed
    _needed = True
    table = _table()
    for number, above in tuple(_waiting.items()):
        table.define(number, None, above)
        _waiting.pop(number, None)  # no sooner: another thread takes what is not waiting for defined
    return table


@once
def _table() -> TypeTable:
    from vm.gc.types import TypeTable

    return TypeTable()


def hold_all(store: Store, types: Sequence[ValueType], values: Sequence[int]) -> list[int]:
    """Bit patterns of these types, in which references are held by Python."""
    return [store.hold(value) if traced(type) else value for type, value in zip(types, values, strict=True)]
