"""Any two commits side by side: a verdict per series, filters, and a geometric mean per metric."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from regress.domain import Commit, Comparison, Metric, Verdict
from regress.service.browse.common import resolve
from regress.service.compare import compare
from regress.store import Store

_SETTLED = (Verdict.SLOWER, Verdict.FASTER)

OFFERED = 40
"""Recent measured commits offered to choose from."""


@dataclass(frozen=True, slots=True)
class CompareFilter:
    """What to show: everything by default. ``query`` words must all occur in the series' title."""

    verdicts: frozenset[Verdict] = frozenset()
    query: str = ""
    metric: str = ""

    def admits(self, row: Comparison) -> bool:
        """Whether a row passes."""
        title = f"{row.series.title} {row.series.machine} {row.series.environment}".lower()
        return (
            (not self.verdicts or row.verdict in self.verdicts)
            and (not self.metric or row.series.metric.name == self.metric)
            and all(word in title for word in self.query.lower().split())
        )


@dataclass(frozen=True, slots=True)
class CompareGroup:
    """The rows of one metric, largest change first.

    ``total``, ``settled`` (slower or faster) and ``geomean`` are over *all* series of the metric.
    """

    metric: Metric
    rows: tuple[Comparison, ...]
    total: int
    settled: int
    geomean: float | None


@dataclass(frozen=True, slots=True)
class CompareStart:
    """What the form offers before anything is chosen."""

    branches: tuple[str, ...]
    commits: tuple[Commit, ...]


@dataclass(frozen=True, slots=True)
class ComparePage:
    """The comparison of ``a`` (base) with ``b``; ``counts`` are over all rows, whatever the filter."""

    a: Commit
    b: Commit
    chosen: CompareFilter
    groups: tuple[CompareGroup, ...]
    counts: dict[Verdict, int]
    metrics: tuple[str, ...]
    only_a: int
    only_b: int

    @property
    def total(self) -> int:
        """Series measured at both commits."""
        return sum(self.counts.values())

    @property
    def shown(self) -> int:
        """Rows that passed the filter."""
        return sum(len(group.rows) for group in self.groups)


def compare_start(store: Store, branch: str | None = None) -> CompareStart:
    """Branches, and the newest measured commits, newest first."""
    branch = branch or store.default_branch()
    statuses = store.commit_statuses(branch, OFFERED * 5) if branch else []
    measured = [status.commit for status in statuses if status.measured]
    return CompareStart(tuple(store.branches()), tuple(reversed(measured[-OFFERED:])))


def compare_page(store: Store, a: str, b: str, chosen: CompareFilter | None = None) -> ComparePage:
    """Compare two revisions (see ``resolve``). UnknownNameError when one is unknown."""
    chosen = chosen or CompareFilter()
    base, head = resolve(store, a), resolve(store, b)
    rows = compare(store, base.sha, head.sha)
    counts = Counter(row.verdict for row in rows)
    common = {row.series_id for row in rows}
    return ComparePage(
        a=base,
        b=head,
        chosen=chosen,
        groups=_groups(rows, chosen),
        counts={verdict: counts[verdict] for verdict in Verdict},
        metrics=tuple(sorted({row.series.metric.name for row in rows})),
        only_a=sum(1 for series_id, _ in store.measurements_at(base.sha) if series_id not in common),
        only_b=sum(1 for series_id, _ in store.measurements_at(head.sha) if series_id not in common),
    )


def _groups(rows: list[Comparison], chosen: CompareFilter) -> tuple[CompareGroup, ...]:
    groups = []
    for _, same in groupby(sorted(rows, key=_by_metric), key=_by_metric):
        members = list(same)
        shown = sorted(filter(chosen.admits, members), key=_loudest_first)
        if shown:
            settled = sum(row.verdict in _SETTLED for row in members)
            mean = geometric_mean([row.ratio for row in members])
            groups.append(CompareGroup(members[0].series.metric, tuple(shown), len(members), settled, mean))
    return tuple(sorted(groups, key=lambda group: group.settled == 0))  # news first, else by name


def _by_metric(row: Comparison) -> tuple[str, str]:
    return row.series.metric.name, row.series.metric.unit


def _loudest_first(row: Comparison) -> tuple[bool, float, str]:
    return row.verdict not in _SETTLED, -abs(row.ratio - 1), row.series.title


def geometric_mean(ratios: list[float]) -> float | None:
    """The geometric mean (the one for ratios: Fleming & Wallace 1986) of finite positive ones, or None."""
    logs = [math.log(ratio) for ratio in ratios if 0 < ratio < math.inf]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None
