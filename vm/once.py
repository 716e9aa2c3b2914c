"""What there is one of in a process, whichever of its threads asks first.

``functools.cache`` lets threads that ask at the same time make one each. Of an arena or of generated code the
one that is not kept frees what its thread goes on to use.
"""

from __future__ import annotations

import os

from vm.primitives import RLock
from vm.typed import Any, Callable, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

_lock = RLock()
"""One for all, since what is made once makes others. Nothing made under it may wait for another thread that
asks for such a thing."""


def once(make: Callable[_P, _T]) -> Callable[_P, _T]:
    """``make``, called once for the same (positional, hashable) arguments; what it returned, after that."""
    made: dict[tuple[Any, ...], _T] = {}

    def ask(*arguments: _P.args, **none: _P.kwargs) -> _T:
        try:
            return made[arguments]
        except KeyError:
            pass
        with _lock:
            if arguments not in made:
                made[arguments] = make(*arguments, **none)
            return made[arguments]

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(ask, name, getattr(make, name))
    setattr(ask, _MADE, made)
    return ask


def forget(ask: Callable[..., object]) -> None:
    """Let what ``once`` gave make everything anew when it is asked again."""
    getattr(ask, _MADE).clear()


_MADE = "made"
"""The attribute of such a function that holds what it has made."""


def _renew() -> None:
    """In a child of ``fork``, which has only one of its parent's threads."""
    global _lock
    _lock = RLock()


os.register_at_fork(after_in_child=_renew)
