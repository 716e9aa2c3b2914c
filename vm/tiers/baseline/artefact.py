"""The stencils on disk: whether there are any, which every start asks in tier ``tiered``, needs no more."""

from __future__ import annotations

from vm.native import cache, kernels
from vm.once import forget, once
from vm.tiers.threaded import library as threaded

_PLACES = ("tiers/baseline/*.py",)
"""Files of the package that they follow from, beside those of the threaded machine."""

_NAME = "baseline"


def is_built() -> bool:
    """Whether they are there to be used."""
    return load() is not None


@once
def load() -> bytes | None:
    """What is there (``vm.tiers.baseline.library`` reads it)."""
    return cache.load(_NAME, _key())


@once
def compiler() -> bytes | None:
    """The compiler as machine code, if that was made (``vm.tiers.baseline.native``)."""
    return cache.load(COMPILER, compiler_key())


def compiler_key() -> str:
    """What it is made from."""
    return kernels.key(_PLACES)


COMPILER = "compiler"
"""The name under which it is kept."""


def store(content: bytes) -> None:
    """Keep new ones."""
    cache.store(_NAME, _key(), content)
    forget(load)


@once
def _key() -> str:
    return cache.key([threaded.key(), *threaded.sources(_PLACES)], "llvmlite")
