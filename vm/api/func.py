"""Func: functions, as Python calls them, and as Python's own are called."""

from __future__ import annotations

from vm.api import calling
from vm.api.caller import Caller, Storelike, inside, runtime_of
from vm.api.checks import check
from vm.api.numbers import NUMBERS, FromBits, ToBits, TypedValue
from vm.errors import ArgumentError, VMError
from vm.isa import types as isa
from vm.runtime import functions as runtime_functions
from vm.runtime import store as runtime_store
from vm.runtime.functions import HostOnValues
from vm.typed import TYPE_CHECKING, Any, Callable, Sequence

if TYPE_CHECKING:
    from vm.api.calling import BoundFunc
    from vm.api.types import FuncType
    from vm.api.values import Converter
    from vm.native.callables import CallRecord


def converter(store: runtime_store.Store) -> Converter:
    """Value conversions for a store."""

    def unwrap(value: object) -> runtime_functions.Function:
        if not isinstance(value, Func) or value.raw.owner is not store:
            raise TypeError("a Func of the same store, or None")
        return value.raw

    from vm.api.values import Converter  # with all kinds of references, for who uses any

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
        from vm.api.types import FuncType  # who made ``ty`` has it

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
        from vm.api.types import wrap_type

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
                if isinstance(value, TypedValue):
                    value = value.given_as(self.raw.type.params[len(bits)])
                bits.append(encode(value))
        except TypeError as error:
            at = len(bits)
            kind = self.raw.type.params[at]
            raise TypeError(f"parameter {at}: {kind} takes {error}, got {params[at]!r}") from None
        return bits

    def _conversions(self, runtime: runtime_store.Store) -> tuple[list[ToBits], list[FromBits]]:
        """How parameters go in and results come out; made at the first call."""
        if self._converters is None:
            type = self.raw.type
            kinds = {*type.params, *type.results}
            convert = NUMBERS if kinds <= NUMBERS.keys() else converter(runtime).pairs(kinds)
            self._converters = (
                [convert[kind][0] for kind in type.params],
                [convert[kind][1] for kind in type.results],
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
