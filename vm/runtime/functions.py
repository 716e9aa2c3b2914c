"""Functions as the runtime knows them: a body in an instance, or a host callable, with a native record."""

from __future__ import annotations

from vm.isa.types import DefType
from vm.typed import TYPE_CHECKING, Any, Callable, Sequence

if TYPE_CHECKING:
    from vm.runtime.instance import Instance

HostCallable = Callable[[Sequence[int]], Sequence[int]]
"""A host function: bit patterns in, bit patterns out; may raise anything."""

Binder = Callable[["Instance"], HostCallable]
"""Makes the callable of a host function that wants to know which instance calls it."""


class HostOnValues:
    """A host callable on Python's values; where they are plain numbers, tiers may call ``func`` itself.

    ``caller``, unless None, is its first argument. ``decode`` makes values of bit patterns, ``encode`` bit
    patterns of what ``func`` returned, or raises what is wrong with it.
    """

    __slots__ = ("_decode", "caller", "encode", "func")

    def __init__(
        self,
        func: Callable[..., Any],
        caller: object,
        decode: Callable[[Sequence[int]], Sequence[Any]],
        encode: Callable[[Any], Sequence[int]],
    ) -> None:
        self.func = func
        self.caller = caller
        self._decode = decode
        self.encode = encode

    def __call__(self, args: Sequence[int]) -> Sequence[int]:
        values = self._decode(args)
        if self.caller is None:
            return self.encode(self.func(*values))
        return self.encode(self.func(self.caller, *values))


class Function:
    """One function of a store.

    Exactly one of ``instance`` (a defined function, ``index`` in its function index space) and ``host`` is
    set.
    ``record`` is the address of its native record: the value of a funcref to it. ``bind`` is set for host
    functions that depend on the importing instance; each import of them then gets a function of its own,
    whose ``origin`` is the one that was imported. ``owner`` is the store it belongs to. ``definition`` is its
    canonical type, ``type`` the signature in it. ``kept`` is what only native code refers to.
    """

    __slots__ = (
        "_passes",
        "bind",
        "definition",
        "host",
        "index",
        "instance",
        "kept",
        "origin",
        "owner",
        "record",
        "type",
    )

    def __init__(
        self,
        definition: DefType,
        record: int,
        *,
        instance: Instance | None = None,
        index: int = -1,
        host: HostCallable | None = None,
        bind: Binder | None = None,
        owner: object = None,
    ) -> None:
        self.definition = definition
        self.type = definition.func
        self.record = record
        self.instance = instance
        self.index = index
        self.host = host
        self.bind = bind
        self.owner = owner
        self.origin = self
        self.kept: Any = None
        self._passes: bool | None = None

    @property
    def passes_references(self) -> bool:
        """Whether some parameter or result is a reference that the collector must know of."""
        if self._passes is None:
            values = (*self.type.params, *self.type.results)
            self._passes = any(type.is_ref and type.in_heap for type in values)
        return self._passes

    @property
    def name(self) -> str | None:
        """The name the module's "name" section gives it."""
        return None if self.instance is None else self.instance.module.names.functions.get(self.index)
