"""The stencils on disk: whether there are any, which every start asks in tier ``tiered``, needs no more."""

from __future__ import annotations

import functools

from vm.native import cache
from vm.tiers.threaded import library as threaded

_PLACES = ("tiers/baseline/*.py",)
"""Files of the package that they follow from, beside those of the threaded machine."""

_NAME = "baseline"


def is_built() -> bool:
    """Whether they are there to be used."""
    return load() is not None


@functools.cache
def load() -> bytes | None:
    """What is there (``vm.tiers.baseline.library`` reads it)."""
    return cache.load(_NAME, _key())


def store(content: bytes) -> None:
    """Keep new ones."""
    cache.store(_NAME, _key(), content)
    load.cache_clear()


@functools.cache
def _key() -> str:
    return cache.key([threaded.key(), *threaded.sources(_PLACES)], "llvmlite")
