"""Pooled evidence, by simulation: ``python -m benchmarks.platform.pooling [--projects N]``.

A project is 60 series of 100 commits in six classes, with 1 % noise of their own and 0.3 % that the machine
gives all of them at each commit. In some projects the series of one class, half of all, or every sixth of
all get slower at one commit, by less than any of them shows alone. Printed are: the part of the projects in
which the change was reported at its commit (two off at most), alone and pooled; the part of its series that
are named, and of the named the part that did not move; and all other alarms per project.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from regress.config import DetectionConfig
from regress.domain import Metric, Point, Series, SeriesChange, SeriesKey
from regress.service.judging import Population, changes_of, judged, membership, values_of

CLASSES, EACH, COMMITS, AT = 6, 10, 100, 70
NOISE, MOOD = 0.01, 0.003
NEAR = 2
METRIC = Metric("wall time", "seconds")


@dataclass(frozen=True)
class Case:
    """What happens in a project: series that move, by how much."""

    name: str
    moved: tuple[int, ...]
    size: float


EVERY = tuple(range(CLASSES * EACH))
CASES = (
    Case("nothing", (), 0.0),
    *(Case(f"all of one class, {size:.1%}", EVERY[:EACH], size) for size in (0.01, 0.015, 0.02)),
    *(Case(f"half of all, {size:.1%}", EVERY[::2], size) for size in (0.01, 0.015, 0.02)),
    *(Case(f"every sixth, {size:.1%}", EVERY[::CLASSES], size) for size in (0.015, 0.02)),
)


def project(case: Case, seed: int) -> list[Series]:
    """One project's series."""
    rng = np.random.default_rng(seed)
    mood = MOOD * rng.standard_normal(COMMITS)
    made = []
    for number in EVERY:
        level = mood + NOISE * rng.standard_normal(COMMITS)
        level[AT:] += np.log1p(case.size) if number in case.moved else 0.0
        key = SeriesKey(f"class{number // EACH}.bench{number % EACH}", (), METRIC, "box", "py", "main")
        points = tuple(Point(f"{i:040x}", i, float(value)) for i, value in enumerate(np.exp(level)))
        made.append(Series(number, key, points))
    return made


def reported(series: Sequence[Series], chosen: DetectionConfig) -> list[SeriesChange]:
    """What an analysis reports of a project."""
    population, changes, members = Population(), [], []
    for one in series:
        columns = one.columns
        population.add(columns)
        values = values_of(columns)
        found = changes_of(columns, values, chosen)
        changes += found
        members += membership(columns, values, found, chosen)
    return judged(changes, members, population, chosen)


def tried(case: Case, projects: int, chosen: DetectionConfig) -> tuple[float, float, float, float]:
    """Part of the projects with the change, of its series that are named; of the named, of other alarms."""
    found = right = wrong = other = 0
    for seed in range(projects):
        told = reported(project(case, seed), chosen)
        near = [one for one in told if case.moved and abs(int(one.first_after, 16) - AT) <= NEAR]
        other += len({one.first_after for one in told if one not in near})
        found += bool(near)
        right += len({one.series_id for one in near} & set(case.moved))
        wrong += len({one.series_id for one in near} - set(case.moved))
    named = max(1, right + wrong)
    return found / projects, right / max(1, found * len(case.moved)), wrong / named, other / projects


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Pooled evidence: power and false alarms, by simulation.")
    parser.add_argument("--projects", type=int, default=50, help="simulated projects of each sort (50)")
    projects = parser.parse_args(arguments).projects
    pooled = DetectionConfig()
    alone = replace(pooled, pooling=0.0)
    print(f"{'what moved':28} {'alone':>6} {'pooled':>7} {'named':>6} {'wrongly':>8} {'other alarms':>13}")
    for case in CASES:
        power, *_ = tried(case, projects, alone)
        with_pool, named, wrongly, other = tried(case, projects, pooled)
        print(f"{case.name:28} {power:6.2f} {with_pool:7.2f} {named:6.2f} {wrongly:8.2f} {other:13.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
