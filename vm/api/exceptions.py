"""Exn: WebAssembly exceptions as Python exceptions, in both directions."""

from __future__ import annotations

from vm.api.caller import Storelike, inside
from vm.api.checks import check
from vm.api.externs import Tag
from vm.api.func import converter
from vm.runtime import exceptions as runtime_exceptions
from vm.runtime import store as runtime_store
from vm.runtime import tags as runtime_tags
from vm.typed import Any, Sequence


class Exn(runtime_exceptions.Exn):
    """A WebAssembly exception: ``tag`` says what it is, ``payload`` are the values that it brings along.

    A host function that raises one throws it into the code that called it, and one that code throws and does
    not catch is raised where Python called; it is a Trap there, with the frames that it came through. The
    object stays the same on its way through both, and as an exnref. Other exceptions of host functions, and
    other traps, are not caught by any ``catch_all``.
    """

    def __init__(self, store: Storelike, tag: Tag, payload: Sequence[Any] = ()) -> None:
        runtime = inside(store, check(tag, Tag, "tag").raw)
        types = tag.raw.signature.params
        if len(payload) != len(types):
            raise TypeError(f"payload: the tag takes {len(types)} values, {len(payload)} were given")
        convert = converter(runtime)
        pairs = enumerate(zip(types, payload, strict=True))
        super().__init__(
            tag.raw, [convert.to_bits(type, value, f"payload[{i}]") for i, (type, value) in pairs]
        )

    @classmethod
    def of(cls, origin: runtime_tags.Tag, bits: Sequence[int]) -> Exn:
        """One that code throws."""
        self = cls.__new__(cls)
        runtime_exceptions.Exn.__init__(self, origin, bits)
        return self

    @property
    def tag(self) -> Tag:
        """What the exception is."""
        return Tag.of(self.origin)

    @property
    def payload(self) -> list[Any]:
        """The values that it brings along."""
        owner = self.origin.owner
        assert isinstance(owner, runtime_store.Store)
        convert = converter(owner)
        types = self.origin.signature.params
        return [convert.from_bits(type, bits) for type, bits in zip(types, self.bits, strict=True)]
