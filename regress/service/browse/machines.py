"""Machines: what they are, when they last delivered, and how much they disturb what they measure.

The noise of a run is the typical change of all its series since the commit before: few commits touch most
benchmarks, so that it is mostly the machine's. Half a per cent is a quiet machine.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from regress.domain import Commit
from regress.service.browse.common import Spark, pick_branch
from regress.service.browse.remembering import remembered
from regress.service.side_by_side import FEWEST_SERIES, TO_SIGMA
from regress.store import Store
from regress.store.centres import Centres
from regress.store.columns import Catalogue

SHOWN = 30
"""Newest measured commits of which the noise is told."""

RESTLESS = 2.0
"""The newest noise is news from this many times the usual one."""


@dataclass(frozen=True, slots=True)
class MachineRow:
    """A machine: its facts, deliveries, and relative noise by commit, oldest first (None: too few series)."""

    name: str
    facts: tuple[tuple[str, str], ...]
    deliveries: int
    last_data: datetime | None
    noise: tuple[float | None, ...]

    @property
    def told(self) -> tuple[float, ...]:
        """The noises that are known."""
        return tuple(one for one in self.noise if one is not None)

    @property
    def usual(self) -> float | None:
        """The median."""
        return float(np.median(self.told)) if self.told else None

    @property
    def newest(self) -> float | None:
        """That of the newest commit it measured."""
        return self.told[-1] if self.told else None

    @property
    def restless(self) -> bool:
        """Whether the newest run was much noisier than most."""
        return bool(self.usual and self.newest and self.newest > RESTLESS * self.usual)

    @property
    def line(self) -> Spark:
        """The noises as a small line, in per cent."""
        return Spark(tuple(100 * one for one in self.told))


@dataclass(frozen=True, slots=True)
class MachinesPage:
    """All machines; ``commits`` are those that their noises are of."""

    branch: str | None
    commits: tuple[Commit, ...]
    rows: tuple[MachineRow, ...]


@remembered()
def machines_page(store: Store, branch: str | None = None) -> MachinesPage:
    """The machines, and how they did at the newest measured commits of a branch."""
    branch = pick_branch(store, branch)
    statuses = store.commit_statuses(branch, 4 * SHOWN) if branch else []
    measured = [status.commit for status in statuses if status.measured][-SHOWN - 1 :]
    columns = store.columns.all_centres([commit.sha for commit in measured])
    catalogue = store.columns.catalogue(max((int(c.series[-1]) for c in columns if c.series.size), default=0))
    noises = store.columns.remembered(
        ("machines", branch), tuple(columns), lambda: _noises(columns, catalogue)
    )
    delivered = {name: (count, last) for name, count, last in store.machine_deliveries()}
    ids = {name: id_ for id_, name in catalogue.machines.items()}
    rows = []
    for machine in store.machines():
        count, last = delivered.get(machine.name, (0, None))
        told = tuple(each.get(ids.get(machine.name, -1)) for each in noises)
        rows.append(MachineRow(machine.name, machine.facts, count, last, told))
    return MachinesPage(branch, tuple(measured[1:]), tuple(rows))


def _noises(columns: Sequence[Centres], catalogue: Catalogue) -> list[dict[int, float]]:
    """The noise of each commit but the first, by machine."""
    return [_noise(before, after, catalogue) for before, after in itertools.pairwise(columns)]


def _noise(before: Centres, after: Centres, catalogue: Catalogue) -> dict[int, float]:
    series, at_a, at_b = np.intersect1d(before.series, after.series, assume_unique=True, return_indices=True)
    a, b = before.values[at_a], after.values[at_b]
    # counters have none: what tells no error, or none but zero, is no witness
    heard = (a > 0) & (b > 0) & ((before.within[at_a] >= 0) | (a != b))
    machines = catalogue.parts["machine"][catalogue.rows(series[heard])]
    moved = np.abs(np.log(b[heard] / a[heard]))
    found = {}
    for machine in np.unique(machines).tolist():
        here = moved[machines == machine]
        if here.size >= FEWEST_SERIES and math.isfinite(noise := TO_SIGMA * float(np.median(here))):
            found[machine] = noise
    return found
