"""Pages that are told once for all who ask until the store changes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from regress.config import Config
from regress.store import Store

P = ParamSpec("P")
T = TypeVar("T")


class _Once(Protocol):
    def __call__(
        self, build: Callable[Concatenate[Store, P], T], /
    ) -> Callable[Concatenate[Store, P], T]: ...


def remembered(keep: Callable[[Any], bool] = lambda _: True) -> _Once:
    """For a function whose answer is decided by the store, its arguments and a ``Config`` among them alone.

    Not by the clock or the repository: what depends on these is put in by who asks. ``keep`` denies answers
    that are too large to stay in memory.
    """

    def told_once(build: Callable[Concatenate[Store, P], T]) -> Callable[Concatenate[Store, P], T]:
        @functools.wraps(build)
        def ask(store: Store, /, *args: P.args, **kwargs: P.kwargs) -> T:
            given = [*enumerate(args), *sorted(kwargs.items())]
            config = next((value for _, value in given if isinstance(value, Config)), None)
            asked = tuple((name, value) for name, value in given if not isinstance(value, Config))
            question = (build.__module__, build.__qualname__, asked)

            def answer() -> T:
                with store.moment():
                    return build(store, *args, **kwargs)

            found: T = store.answers.told(question, config, answer, keep)
            return found

        return ask

    return told_once
