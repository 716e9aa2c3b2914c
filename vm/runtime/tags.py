"""Tags: what an exception is. Their native record is what compiled code tells them apart by."""

from __future__ import annotations

from vm.isa.types import DefType, FuncType, TagType


class Tag:
    """One tag. ``record`` is an address that no other tag of the store has; ``owner`` is its store, and
    ``package`` the type of its exceptions as objects (``vm.runtime.packages``).
    """

    __slots__ = ("owner", "package", "record", "type")

    package: DefType

    def __init__(self, type: TagType, record: int, *, owner: object = None) -> None:
        self.type = type
        self.record = record
        self.owner = owner

    @property
    def signature(self) -> FuncType:
        """Its parameters are the values that an exception brings along."""
        return self.type.definition.func
