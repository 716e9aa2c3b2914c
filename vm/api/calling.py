"""Functions that enter native code directly, without Python in between (``vm.native.entries``).

An object learns how at its first call, which goes the ordinary way; what it then knows is kept with the
runtime's function, for the next object of the same.
"""

from __future__ import annotations

from vm.api.caller import Caller, Storelike
from vm.once import once
from vm.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vm.api.engine import Store
    from vm.api.func import Func
    from vm.native.callables import CallableType, CallRecord
    from vm.runtime.functions import Function


class BoundFunc:
    """What ``Func.bind`` gives: the function of one store, called with values alone."""

    __slots__ = ("__weakref__", "_record", "func", "store")

    def __init__(self, func: Func, store: Store) -> None:
        self.func = func
        self.store = store
        self._record: CallRecord | None = None

    def __call__(self, *params: Any) -> Any:
        """Call it: None, the one result, or a list of results."""
        return self.func(self.store, *params)


def bound(func: Func, store: Store) -> BoundFunc:
    """A function with its store."""
    if not quick(func.raw):
        return BoundFunc(func, store)
    made: BoundFunc = _bound_type().new()
    made.__init__(func, store)  # type: ignore[misc]  # it is one, made in another way
    made._record = _arm(_bound_type(), made, func.raw, store)
    return made


def quick(raw: Function) -> bool:
    """Whether a runtime function can be entered this way."""
    if raw.instance is None or not raw.instance.store.runner.native:
        return False
    from vm.native.callables import serves  # is there already, with the tier

    return serves(raw.type)


def new(raw: Function) -> Func:
    """An object for a runtime function that is ``quick``; nothing of ``Func`` is initialised."""
    made: Func = _func_type().new()
    made._record = raw.kept
    if raw.kept is not None:
        raw.kept.arm(made)
    return made


def _call_first(func: Func, store: Storelike, *params: Any) -> Any:
    """What a function does that does not know its way yet, or finds something out of the ordinary."""
    result = _func_class().__call__(func, store, *params)
    raw = func.raw
    if raw.kept is None:
        raw.kept = _arm(_func_type(), func, raw, store.store if isinstance(store, Caller) else store)
    if func._record is None:
        raw.kept.arm(func)
        func._record = raw.kept
    if isinstance(store, Caller):
        raw.kept.admit(store)
    return result


def _call_bound(func: BoundFunc, *params: Any) -> Any:
    return BoundFunc.__call__(func, *params)


def _arm(kind: CallableType, made: object, raw: Function, store: Store) -> CallRecord:
    """Make what an object of ``kind`` needs to know of a function, and let it use that."""
    from vm.native.tier import NativeTier  # is there already

    assert raw.instance is not None
    tier = raw.instance.store.runner
    assert isinstance(tier, NativeTier)
    record = kind.record(raw, tier.way(raw), store)
    record.arm(made)
    return record


@once
def _func_type() -> CallableType:
    from vm.native.callables import CallableType

    return CallableType(_func_class(), "func_call", _call_first)


@once
def _bound_type() -> CallableType:
    from vm.native.callables import CallableType

    return CallableType(BoundFunc, "bound_call", _call_bound)


@once
def _func_class() -> type[Func]:
    from vm.api.func import Func  # which imports this module

    return Func
