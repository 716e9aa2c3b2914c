"""What there is one of in a process, whichever of its threads asks first.

``functools.cache`` lets threads that ask at the same time make one each. Of an arena or of generated code the
one that is not kept frees what its thread goes on to use.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable

from vm.typed import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

_lock = threading.RLock()
"""One for all, since what is made once makes others. Nothing made under it may wait for another thread that
asks for such a thing."""


def once(make: Callable[_P, _T]) -> Callable[_P, _T]:
    """``make``, called once for the same (positional, hashable) arguments; what it returned, after that."""
    made: dict[tuple[Any, ...], _T] = {}

    @functools.wraps(make)
    def ask(*arguments: _P.args, **none: _P.kwargs) -> _T:
        try:
            return made[arguments]
        except KeyError:
            pass
        with _lock:
            if arguments not in made:
                made[arguments] = make(*arguments, **none)
            return made[arguments]

    return ask


def _renew() -> None:
    """In a child of ``fork``, which has only one of its parent's threads."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew)
