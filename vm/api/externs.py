"""Func, Table, Global and Tag, which cross the border of an instance; and a wrapper for whatever does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vm.api import calling
from vm.api.caller import Caller, Storelike, inside, runtime_of
from vm.api.memory import Memory
from vm.api.numbers import FromBits, ToBits
from vm.api.shared import SharedMemory
from vm.api.types import FuncType, GlobalType, TableType, TagType, check, wrap_type
from vm.api.val import Val
from vm.api.values import Converter
from vm.errors import ArgumentError, VMError
from vm.isa import types as isa
from vm.memory.linear import LinearMemory
from vm.runtime import functions as runtime_functions
from vm.runtime import globals as runtime_globals
from vm.runtime import store as runtime_store
from vm.runtime import tables as runtime_tables
from vm.runtime import tags as runtime_tags
from vm.runtime.functions import HostOnValues
from vm.runtime.instance import Extern as RuntimeExtern
from vm.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vm.api.calling import BoundFunc
    from vm.native.callables import CallRecord


def converter(store: runtime_store.Store) -> Converter:
    """Value conversions for a store."""

    def unwrap(value: object) -> runtime_functions.Function:
        if not isinstance(value, Func) or value.raw.owner is not store:
            raise TypeError("a Func of the same store, or None")
        return value.raw

    return Converter(store, Func.of, unwrap)


class Func:
    """A function. Call it as ``func(store, *args)``.

    Those of instances, on numbers, enter native code directly from the second call on (``vm.api.calling``).
    """

    __slots__ = ("__weakref__", "_converters", "_record", "raw")

    raw: runtime_functions.Function
    _converters: tuple[list[ToBits], list[FromBits]] | None
    _record: CallRecord | None

    def __init__(
        self, store: Storelike, ty: FuncType, func: Callable[..., Any], access_caller: bool = False
    ) -> None:
        runtime = runtime_of(store)
        type = check(ty, FuncType, "ty").raw
        if not callable(func):
            raise TypeError(f"func: expected a callable, got {func!r}")
        owner = store.store if isinstance(store, Caller) else store
        self._converters = None
        adapt = _HostAdapter(runtime, type, func)
        if access_caller:
            self.raw = runtime.host_function(
                type,
                adapt.on_values(Caller(owner, None)),
                lambda instance: adapt.on_values(Caller(owner, instance)),
            )
        else:
            self.raw = runtime.host_function(type, adapt.on_values())

    @classmethod
    def of(cls, raw: runtime_functions.Function) -> Func:
        """The wrapper of a runtime function."""
        self = calling.new(raw) if calling.quick(raw) else cls.__new__(cls)
        self._converters = None
        self.raw = raw
        return self

    def bind(self, store: Storelike) -> BoundFunc:
        """The function with its store: called with values alone, which takes some 5 ns less."""
        inside(store, self.raw)
        return calling.bound(self, store.store if isinstance(store, Caller) else store)

    def type(self, store: Storelike) -> FuncType:
        """Parameters and results."""
        inside(store, self.raw)
        found: FuncType = wrap_type(self.raw.type)
        return found

    def __call__(self, store: Storelike, *params: Any) -> Any:
        """Call it: None, the one result, or a list of results."""
        runtime = inside(store, self.raw)
        type = self.raw.type
        if len(params) != len(type.params):
            few = "too few" if len(params) < len(type.params) else "too many"
            raise ArgumentError(f"{few} parameters: given {len(params)}, expected {len(type.params)} {type}")
        results = runtime.call(self.raw, self._bits(runtime, params))
        decoders = self._conversions(runtime)[1]
        values = [decode(bits) for decode, bits in zip(decoders, results, strict=True)]
        if len(values) > 1:
            return values
        return values[0] if values else None

    def _bits(self, runtime: runtime_store.Store, params: Sequence[Any]) -> list[int]:
        encoders = self._conversions(runtime)[0]
        bits: list[int] = []
        try:
            for encode, value in zip(encoders, params, strict=True):
                given = value.given_as(self.raw.type.params[len(bits)]) if type(value) is Val else value
                bits.append(encode(given))
        except TypeError as error:
            at = len(bits)
            kind = self.raw.type.params[at]
            raise TypeError(f"parameter {at}: {kind} takes {error}, got {params[at]!r}") from None
        return bits

    def _conversions(self, runtime: runtime_store.Store) -> tuple[list[ToBits], list[FromBits]]:
        """How parameters go in and results come out; made at the first call."""
        if self._converters is None:
            convert, type = converter(runtime), self.raw.type
            self._converters = (
                [convert.encoder(kind) for kind in type.params],
                [convert.decoder(kind) for kind in type.results],
            )
        return self._converters

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Func) and other.raw.origin is self.raw.origin

    def __hash__(self) -> int:
        return hash(self.raw.origin.record)


class _HostAdapter:
    """Wraps a Python callable on Python values as one on bit patterns."""

    def __init__(self, store: runtime_store.Store, type: isa.FuncType, func: Callable[..., Any]) -> None:
        convert = converter(store)
        self._decoders = [convert.decoder(kind) for kind in type.params]
        self._convert = convert
        self._results = type.results
        self._func = func

    def on_values(self, caller: Caller | None = None) -> HostOnValues:
        """As tiers call it; ``caller``, if there is one, comes first."""
        return HostOnValues(self._func, caller, self._decode, self._encode)

    def _decode(self, args: Sequence[int]) -> list[Any]:
        return [decode(bits) for decode, bits in zip(self._decoders, args, strict=True)]

    def _encode(self, returned: Any) -> Sequence[int]:
        types = self._results
        if not types:
            if returned is not None:
                raise VMError("callback produced results when it shouldn't")
            return ()
        if len(types) == 1:
            return (self._convert.to_bits(types[0], returned, "result of the host function"),)
        if len(returned) != len(types):
            raise VMError(f"callback produced {len(returned)} results, expected {len(types)}")
        return [
            self._convert.to_bits(type, value, f"result {i} of the host function")
            for i, (type, value) in enumerate(zip(types, returned, strict=True))
        ]


class Table:
    """A table of references."""

    def __init__(self, store: Storelike, ty: TableType, init: Any) -> None:
        runtime = runtime_of(store)
        type = check(ty, TableType, "ty").raw
        self.raw = runtime.table(type, converter(runtime).to_bits(type.element, init, "init"))

    @classmethod
    def of(cls, raw: runtime_tables.Table) -> Table:
        """The wrapper of a runtime table."""
        self = cls.__new__(cls)
        self.raw = raw
        return self

    def type(self, store: Storelike) -> TableType:
        """Element type and limits as declared."""
        inside(store, self.raw)
        found: TableType = wrap_type(self.raw.type)
        return found

    def size(self, store: Storelike) -> int:
        """Number of elements."""
        inside(store, self.raw)
        return self.raw.size

    def grow(self, store: Storelike, amt: int, init: Any) -> int:
        """Add ``amt`` elements ``init``; returns the size before, VMError when there is no room."""
        bits = converter(inside(store, self.raw)).to_bits(self.raw.type.element, init, "init")
        if amt < 0:
            raise VMError("cannot grow by negative amount")
        before = self.raw.grow(amt, bits)
        if before < 0:
            raise VMError(f"failed to grow table by {amt}")
        return before

    def get(self, store: Storelike, idx: int) -> Any:
        """Element ``idx``; None for null, and for an index behind the end (as in wasmtime-py)."""
        if not 0 <= idx < self.size(store):
            return None
        return converter(inside(store, self.raw)).from_bits(self.raw.type.element, self.raw.get(idx))

    def set(self, store: Storelike, idx: int, val: Any) -> None:
        """Replace element ``idx``; VMError when there is none."""
        bits = converter(inside(store, self.raw)).to_bits(self.raw.type.element, val, "val")
        if not 0 <= idx < self.raw.size:
            raise VMError(f"no element {idx} in a table of {self.raw.size}")
        self.raw.set(idx, bits)


class Global:
    """A global variable."""

    def __init__(self, store: Storelike, ty: GlobalType, val: Any) -> None:
        runtime = runtime_of(store)
        type = check(ty, GlobalType, "ty").raw
        self.raw = runtime.global_(type, converter(runtime).to_bits(type.content, val, "val"))

    @classmethod
    def of(cls, raw: runtime_globals.Global) -> Global:
        """The wrapper of a runtime global."""
        self = cls.__new__(cls)
        self.raw = raw
        return self

    def type(self, store: Storelike) -> GlobalType:
        """Content and mutability."""
        inside(store, self.raw)
        found: GlobalType = wrap_type(self.raw.type)
        return found

    def value(self, store: Storelike) -> Any:
        """The value now."""
        return converter(inside(store, self.raw)).from_bits(self.raw.type.content, self.raw.value)

    def set_value(self, store: Storelike, val: Any) -> None:
        """Set it; VMError when it is constant."""
        bits = converter(inside(store, self.raw)).to_bits(self.raw.type.content, val, "val")
        if not self.raw.type.mutable:
            raise VMError("immutable global cannot be set")
        self.raw.value = bits


class Tag:
    """A tag: what an exception is, and the types of the values that it brings along."""

    def __init__(self, store: Storelike, ty: TagType) -> None:
        self.raw = runtime_of(store).tag(check(ty, TagType, "ty").raw)

    @classmethod
    def of(cls, raw: runtime_tags.Tag) -> Tag:
        """The wrapper of a runtime tag."""
        self = cls.__new__(cls)
        self.raw = raw
        return self

    def type(self, store: Storelike) -> TagType:
        """Its type."""
        inside(store, self.raw)
        found: TagType = wrap_type(self.raw.type)
        return found

    def eq(self, store: Storelike, other: Tag) -> bool:
        """Whether both are the same tag, as ``==`` says, too."""
        inside(store, self.raw)
        return self == other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tag) and other.raw is self.raw

    def __hash__(self) -> int:
        return hash(self.raw.record)


AnyExtern = Func | Table | Memory | SharedMemory | Global | Tag


def wrap(raw: RuntimeExtern) -> AnyExtern:
    """The API's object for a runtime one."""
    match raw:
        case runtime_functions.Function():
            return Func.of(raw)
        case runtime_tables.Table():
            return Table.of(raw)
        case LinearMemory():
            return SharedMemory.of(raw) if raw.type.shared else Memory.of(raw)
        case runtime_tags.Tag():
            return Tag.of(raw)
        case _:
            return Global.of(raw)
