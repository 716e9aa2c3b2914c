"""The verb *compare*: two measured commits, series by series."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from regress.config import Config
from regress.domain import Comparison
from regress.errors import UnknownNameError
from regress.service.side_by_side import Side, side_by_side
from regress.store import Store
from regress.store.described import rank


def compare(
    store: Store, a: str, b: str, *, benchmark: str | None = None, config: Config | None = None
) -> list[Comparison]:
    """What was measured at both commits (full hashes), compared: ``a`` before, ``b`` after.

    See ``side_by_side`` for which series are compared, and how sure an answer is. ``benchmark`` restricts to
    one name (UnknownNameError when there is none such). Empty when nothing was measured at both.
    """
    if benchmark is not None and benchmark not in store.benchmarks():
        raise UnknownNameError("benchmark", benchmark, store.benchmarks())
    found = side_by_side(store, Side(a), Side(b), (config or Config(root=Path())).detection)
    rows = np.arange(found.size)
    if benchmark is not None:
        names = [id_ for id_, name in found.catalogue.benchmarks.items() if name == benchmark]
        rows = np.flatnonzero(np.isin(found.part("benchmark"), names))
    told = found.comparisons(store, a, b, rows)
    return sorted(told, key=lambda row: rank(row.series))
