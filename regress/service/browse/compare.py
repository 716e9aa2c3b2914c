"""Any two commits side by side: a verdict per series, filters, and a geometric mean per group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from regress.config import Config
from regress.detect.compare import VERDICTS
from regress.domain import Commit, Comparison, Metric, Verdict
from regress.service.browse.common import resolve
from regress.service.browse.evidence import Tags, tags
from regress.service.browse.remembering import remembered
from regress.service.side_by_side import Side, SideBySide, side_by_side
from regress.store import Store
from regress.store.columns import Catalogue, Floats, Ids

OFFERED = 40
"""Recent measured commits, and tags, offered to choose from."""

PAGE_SIZE = 100
"""Rows on one page."""

MANY = 500
"""Rows of a comparison that is kept in memory for the next reader: 1 MB."""

Grouping = Literal["metric", "machine", "environment", "suite"]
"""What groups are made of, beside the metric: nothing, or the first word of the benchmarks' names."""

_QUIET = VERDICTS.index(Verdict.UNCLEAR)  # from here on, nothing is settled


@dataclass(frozen=True, slots=True)
class CompareFilter:
    """What to show: everything by default. ``query`` words must all occur in what a series is found by.

    ``least`` is the smallest relative change; the sides may be narrowed to machines and environments.
    """

    verdicts: frozenset[Verdict] = frozenset()
    query: str = ""
    metric: str = ""
    least: float = 0.0
    group: Grouping = "metric"
    machines: tuple[str, str] = ("", "")
    environments: tuple[str, str] = ("", "")

    @property
    def narrowed(self) -> bool:
        """Whether a side is."""
        return any((*self.machines, *self.environments))


@dataclass(frozen=True, slots=True)
class CompareRow:
    """A comparison with the smallest change that would have counted, and how many of these it is."""

    comparison: Comparison
    threshold: float
    factor: float


@dataclass(frozen=True, slots=True)
class CompareGroup:
    """The rows of one metric (and machine, environment or suite: ``name``), largest change first.

    ``total``, ``settled`` (slower or faster) and ``geomean`` are over *all* series of the group.
    """

    metric: Metric
    name: str
    rows: tuple[CompareRow, ...]
    total: int
    settled: int
    geomean: float | None


@dataclass(frozen=True, slots=True)
class CompareStart:
    """What the form offers before anything is chosen."""

    branches: tuple[str, ...]
    tags: tuple[str, ...]
    commits: tuple[Commit, ...]
    machines: tuple[str, ...]
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComparePage:
    """The comparison of ``a`` (base) with ``b``; ``counts`` are over all rows, whatever the filter.

    ``groups`` hold the rows from ``first`` on, of ``passed`` that the filter admits.
    """

    a: Commit
    b: Commit
    chosen: CompareFilter
    groups: tuple[CompareGroup, ...]
    counts: dict[Verdict, int]
    metrics: tuple[str, ...]
    only_a: int
    only_b: int
    passed: int
    first: int

    @property
    def total(self) -> int:
        """Series measured at both commits."""
        return sum(self.counts.values())

    @property
    def shown(self) -> int:
        """Rows that are here."""
        return sum(len(group.rows) for group in self.groups)


def compare_start(store: Store, root: Path | None = None, branch: str | None = None) -> CompareStart:
    """Branches, tags of the repository at ``root``, the newest measured commits (newest first), machines and
    environments.
    """
    return _start(store, branch, tags(root) if root else None)


@remembered()
def _start(store: Store, branch: str | None, known: Tags | None) -> CompareStart:
    branch = branch or store.default_branch()
    statuses = store.commit_statuses(branch, OFFERED * 5) if branch else []
    measured = [status.commit for status in statuses if status.measured]
    catalogue = store.columns.catalogue()
    branches = store.branches()
    tagged = known.named if known else {}
    here = store.located(branch, tagged.values()) if branch else {}
    # of a tag and a branch of one name, the name means the branch
    named = {name: here[sha] for name, sha in tagged.items() if sha in here and name not in branches}
    return CompareStart(
        tuple(branches),
        tuple(sorted(named, key=lambda name: -named[name].position)[:OFFERED]),
        tuple(reversed(measured[-OFFERED:])),
        tuple(sorted(catalogue.machines.values())),
        tuple(sorted(catalogue.environments.values())),
    )


def compare_page(
    store: Store,
    a: str,
    b: str,
    chosen: CompareFilter | None = None,
    *,
    first: int = 0,
    limit: int | None = PAGE_SIZE,
    config: Config | None = None,
) -> ComparePage:
    """Compare two revisions (see ``resolve``), tags of the repository at hand among them.

    UnknownNameError when one is unknown.
    """
    chosen = chosen or CompareFilter()
    return _told(store, a, b, tags(config.root) if config else None, chosen, first, limit, config)


@remembered(keep=lambda page: page.shown <= MANY)
def _told(
    store: Store,
    a: str,
    b: str,
    tagged: Tags | None,
    chosen: CompareFilter,
    first: int,
    limit: int | None,
    config: Config | None,
) -> ComparePage:
    base, head = resolve(store, a, tagged), resolve(store, b, tagged)
    side_a, side_b = (
        Side(commit.sha, machine, environment)
        for commit, machine, environment in zip(
            (base, head), chosen.machines, chosen.environments, strict=True
        )
    )
    table = side_by_side(store, side_a, side_b, (config or Config(root=Path())).detection)
    grouped = _Groups(table, chosen.group)
    passed = np.flatnonzero(_admitted(store, table, chosen))
    passed = passed[grouped.order(passed)]
    here = passed[first : None if limit is None else first + limit]
    comparisons = dict(zip(here.tolist(), table.comparisons(store, base.sha, head.sha, here), strict=True))
    counts = np.bincount(table.answers.verdicts, minlength=len(VERDICTS)).tolist()
    used = np.unique(table.part("metric")).tolist()
    return ComparePage(
        a=base,
        b=head,
        chosen=chosen,
        groups=grouped.shown(here, comparisons),
        counts=dict(zip(VERDICTS, counts, strict=True)),
        metrics=tuple(sorted({table.catalogue.metrics[id_].name for id_ in used})),
        only_a=table.only_a,
        only_b=int(table.only_b.size),
        passed=int(passed.size),
        first=first,
    )


def _admitted(store: Store, table: SideBySide, chosen: CompareFilter) -> npt.NDArray[np.bool_]:
    """Which rows pass the filter."""
    admitted = np.ones(table.size, dtype=np.bool_)
    if chosen.verdicts:
        admitted &= np.isin(table.answers.verdicts, [VERDICTS.index(verdict) for verdict in chosen.verdicts])
    if chosen.metric:
        ids = [id_ for id_, metric in table.catalogue.metrics.items() if metric.name == chosen.metric]
        admitted &= np.isin(table.part("metric"), ids)
    if chosen.least > 0:
        admitted &= np.abs(table.answers.ratio - 1) >= chosen.least
    if chosen.query.split():
        admitted &= np.isin(table.series_b, store.columns.matching(chosen.query))
    return admitted


class _Groups:
    """A table's rows by group: their place among the groups, and what is said of each."""

    def __init__(self, table: SideBySide, grouping: Grouping) -> None:
        self._table = table
        self._names = _names(table.catalogue, grouping)
        parts = ["metric"]
        if grouping != "metric":
            parts.append("benchmark" if grouping == "suite" else grouping)
        _, first, each = np.unique(
            table.catalogue.codes(*parts)[table.rows], return_index=True, return_inverse=True
        )
        distinct = np.stack([table.part(part)[first] for part in parts], axis=1)
        named = [self._named(pair) for pair in distinct.tolist()]
        self._groups = sorted(set(named), key=lambda group: (group[0].name, group[0].unit, group[1]))
        places = {group: place for place, group in enumerate(self._groups)}
        self._of = np.array([places[group] for group in named], dtype=np.int64)[each]
        settled = table.answers.verdicts < _QUIET
        self._settled = np.bincount(self._of[settled], minlength=len(self._groups))

    def _named(self, pair: list[int]) -> tuple[Metric, str]:
        name = self._names[pair[1]] if len(pair) > 1 else ""
        return self._table.catalogue.metrics[pair[0]], name

    def order(self, rows: Ids) -> Ids:
        """Groups with news first, else by name; in each what is settled first, then by size."""
        of, answers = self._of[rows], self._table.answers
        with np.errstate(all="ignore"):
            size = np.abs(answers.ratio[rows] - 1)
        return np.lexsort((rows, -size, answers.verdicts[rows] >= _QUIET, of, self._settled[of] == 0))

    def shown(self, rows: Ids, comparisons: dict[int, Comparison]) -> tuple[CompareGroup, ...]:
        """The groups of some rows, in the rows' order."""
        found = []
        of = self._of[rows]
        for place in dict.fromkeys(of.tolist()):
            members = rows[of == place].tolist()
            metric, name = self._groups[place]
            ratios = self._table.answers.ratio[self._of == place]
            shown = tuple(_row(comparisons[row], float(self._table.effect[row])) for row in members)
            mean = geometric_mean(ratios)
            found.append(CompareGroup(metric, name, shown, ratios.size, int(self._settled[place]), mean))
        return tuple(found)


def _names(catalogue: Catalogue, grouping: Grouping) -> dict[int, str]:
    if grouping == "machine":
        return catalogue.machines
    if grouping == "environment":
        return catalogue.environments
    return {id_: name.partition(".")[0] for id_, name in catalogue.benchmarks.items()}


def _row(comparison: Comparison, effect: float) -> CompareRow:
    threshold = max(comparison.resolution, effect)
    moved = abs(math.log(comparison.ratio)) if 0 < comparison.ratio < math.inf else math.inf
    return CompareRow(comparison, threshold, moved / math.log1p(threshold) if threshold else 0.0)


def geometric_mean(ratios: Floats) -> float | None:
    """The geometric mean (the one for ratios: Fleming & Wallace 1986) of finite positive ones, or None."""
    sound = ratios[(ratios > 0) & np.isfinite(ratios)]
    return float(np.exp(np.mean(np.log(sound)))) if sound.size else None
