"""Host functions in native records: what ``vm.native.host_calls`` finds behind the context that they get."""

from __future__ import annotations

import ctypes

from vm.memory.native import WORD, peek, poke
from vm.native.agreed import MOST, kinds
from vm.native.border import border
from vm.runtime.functions import Function, HostOnValues
from vm.runtime.layout import (
    CONTEXT_INSTANCE,
    CONTEXT_STATE,
    HOST_CALLABLE,
    HOST_CALLBACK,
    HOST_CALLER,
    HOST_KINDS,
    HOST_PARAMS,
    HOST_SETTLE,
    HOST_SIZE,
    RECORD_HANDLE,
)
from vm.runtime.store import Store
from vm.runtime.words import store_words
from vm.typed import Any, Callable


def host_context(store: Store, function: Function) -> int:
    """The address of a new context for a host function, whose ``host`` must stay what it is."""
    context = store.allocate(HOST_SIZE)
    poke(context + CONTEXT_STATE, store.state.address)
    poke(context + CONTEXT_INSTANCE, peek(function.record + RECORD_HANDLE))
    symbols, type = border().symbols, function.type
    known = kinds((*type.params, *type.results))
    few = len(type.params) <= MOST and len(type.results) <= MOST
    if not isinstance(function.host, HostOnValues) or known is None or not few:
        poke(context + HOST_CALLBACK, symbols["host_words"])
        return context
    host = function.host
    function.kept = settle = _settle(function, host)
    poke(context + HOST_CALLBACK, symbols["host_values"])
    poke(context + HOST_CALLABLE, id(host.func))
    poke(context + HOST_CALLER, 0 if host.caller is None else id(host.caller))
    poke(context + HOST_SETTLE, id(settle))
    poke(context + HOST_PARAMS, len(type.params) | len(type.results) << 32)
    poke(context + HOST_KINDS, store.allocate(len(known)))
    ctypes.memmove(peek(context + HOST_KINDS), known, len(known))
    return context


def _settle(function: Function, host: HostOnValues) -> Callable[[Any, int], None]:
    """What puts results into words that are not of just the types that they should be, or raises."""
    types, encode = function.type.results, host.encode

    def settle(returned: Any, words: int) -> None:
        store_words(types, encode(returned), words + WORD)

    return settle
